"""The README's quickstart works as written, in an empty directory."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.blocks import markdown_blocks
from tests.docs.browser import Browser
from tests.docs.walkthrough import Walkthrough
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """Follow the quickstart to its end: the server and the system run."""
    walkthrough = Walkthrough(tmp_path_factory.mktemp("quickstart"))
    text = README.read_text(encoding="utf-8")
    first, last = (
        text[: text.index(title)].count("\n") for title in ("## Quickstart", "## How it")
    )
    try:
        walkthrough.follow(b for b in markdown_blocks(README) if first < b.line < last)
        yield walkthrough
    finally:
        walkthrough.stop()


@pytest.fixture
def browser(quickstart) -> Browser:
    browser = Browser(f"http://127.0.0.1:{quickstart.port}")
    wait_until(browser.answers, "runserver answers", timeout=60)
    return browser


def test_what_a_form_posts_is_counted_by_the_system(browser):
    browser.submit("/", name="Fido", trick="roll over")
    browser.submit("/", name="Rex", trick="roll over")

    wait_until(lambda: "roll over: 2" in browser.get("/"), "run_system counts", timeout=60)


def test_the_admin_shows_the_events(browser):
    browser.submit("/", name="Bonnie", trick="play dead")
    browser.submit("/admin/login/?next=/admin/", username="admin", password="secret")

    index = browser.get("/admin/")
    events = browser.get("/admin/django_eventsourcing/storedeventrecord/")

    assert "Event sourcing" in index
    assert "Dog.TrickAdded" in events


def test_the_settings_pass_the_checks(quickstart):
    quickstart.run("python manage.py check --fail-level WARNING")
    quickstart.run("python manage.py makemigrations --check --dry-run")


def test_the_code_at_the_top_is_the_quickstarts_own():
    top, *rest = (b.text for b in markdown_blocks(README) if b.language == "python")
    code = "".join(rest)

    lines = [line.partition("  # ")[0].rstrip() for line in top.splitlines()[1:]]
    assert [line for line in lines if line not in code.splitlines()] == []


def test_the_extras_for_databases_are_named_as_they_are():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    text = README.read_text(encoding="utf-8")

    assert "The extras `[postgres]` and `[mysql]` bring the drivers of the others" in text
    assert {"postgres", "mysql"} <= extras["optional-dependencies"].keys()


@pytest.mark.stress
def test_a_new_environment_needs_what_the_first_step_installs(tmp_path):
    """Type the first step as it stands, with pip and a network."""
    (tmp_path / "django-eventsourcing").symlink_to(ROOT)
    first_step = next(b for b in markdown_blocks(README) if "startproject" in b.text)

    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join([*first_step.commands, "python manage.py check"])],
        cwd=tmp_path,
        env={"PATH": f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
