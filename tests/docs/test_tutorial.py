"""The tutorial works as written, from the first step to the last."""

from pathlib import Path

import pytest

from tests.docs.blocks import markdown_blocks
from tests.docs.browser import Browser
from tests.docs.walkthrough import Walkthrough
from tests.waiting import wait_until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"


def blocks_of(*steps: int):
    """Yield the blocks of the numbered steps."""
    step = 0
    starts = {}
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        step += line.startswith("## ")
        starts[number] = step
    return [block for block in markdown_blocks(PAGE) if starts[block.line] in steps]


@pytest.fixture
def walkthrough(tmp_path):
    walkthrough = Walkthrough(tmp_path)
    yield walkthrough
    walkthrough.stop()


def test_the_tutorial_works_step_by_step(walkthrough):
    walkthrough.follow(blocks_of(1, 2, 3, 4))
    assert "Ran 4 tests" in walkthrough.output["python manage.py test"]

    walkthrough.follow(blocks_of(5, 6, 7))
    assert "no issues" in walkthrough.output["python manage.py check"]
    browser = Browser(f"http://127.0.0.1:{walkthrough.port}")
    wait_until(browser.answers, "runserver answers", timeout=60)
    teach(browser, "Fido", "roll over", "play dead")
    teach(browser, "Rex", "roll over")
    wait_until(lambda: "roll over: 2" in browser.get("/"), "Counters counts", timeout=60)
    walkthrough.stop()
    assert "Counters" in walkthrough.output["python manage.py run_system"]

    walkthrough.follow(blocks_of(8))
    rows = "from school.models import *; print(*TrickCount.objects.values_list().order_by('trick'))"
    walkthrough.run(f'python manage.py shell --no-imports -c "{rows}"')
    assert "(2, 'play dead', 1) (1, 'roll over', 2)" in list(walkthrough.output.values())[-1]


def teach(browser: Browser, name: str, *tricks: str) -> None:
    """Register a dog and add its tricks, by the forms."""
    browser.submit("/register/", name=name)
    for trick in tricks:
        assert f"<li>{trick}</li>" in browser.submit(browser.path, trick=trick)
