"""The pages hold: links lead somewhere, commands exist, settings are valid, code runs."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests.docs.blocks import Block, markdown_blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
ELSEWHERE = {"cd", ".", "django-admin", "git", "python3"}
"""Commands that are not ours to have."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


@every_page
def test_links_lead_somewhere(page):
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )

    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if not path.startswith(("http:", "https:", "mailto:")):
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(target)

    assert broken == []


def test_the_index_leads_to_every_page():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    names = [str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")]

    missing = [name for name in names if name != "index.md" and f"]({name}" not in index]

    assert missing == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@every_page
def test_each_block_says_what_it_is(page):
    odd = [str(b) for b in markdown_blocks(page) if b.language not in LANGUAGES]

    assert odd == []


LANGUAGES = {"python", "console", "html", "text", "ini"}


@every_page
def test_commands_exist(page):
    unknown = [
        f"{block}: {command}"
        for block in markdown_blocks(page)
        for command in block.commands
        if not exists(command)
    ]

    assert unknown == []


def exists(command: str) -> bool:
    """Tell whether a command, and each option that it is given, is there."""
    words = command.partition(" #")[0].split()
    if re.fullmatch(r"[A-Z_]+=\S+", words[0]):
        words = words[1:]
    words[0] = words[0].removeprefix(".venv/bin/")
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        return re.search(rf"^{words[1]}:", makefile, flags=re.MULTILINE) is not None
    if words[:2] == ["python", "manage.py"]:
        app = get_commands().get(words[2])
        if app is None:
            return False
        command_class = app if not isinstance(app, str) else load_command_class(app, words[2])
        options = command_class.create_parser("manage.py", words[2])._option_string_actions
        return all(word.partition("=")[0] in options for word in words if word.startswith("--"))
    return words[0] in ELSEWHERE or words[:4] == ["python", "-m", "pip", "install"]


@every_page
def test_code_runs_in_the_project_that_the_tutorial_builds(page, tutorial_project):
    blocks = [b for b in markdown_blocks(page) if b.language == "python" and not b.file]
    if page.name == "README.md":
        blocks = blocks[1:]  # The first is an excerpt of what follows.
    if not blocks:
        return

    run_in(tutorial_project, blocks)


def run_in(project, blocks: list[Block]) -> None:
    """Run the blocks one by one, each in a process of its own, behind the project's settings."""
    script = project.directory / "run_blocks.py"
    script.write_text(SCRIPT, encoding="utf-8")
    files = []
    for number, block in enumerate(blocks):
        file = project.directory / f"block_{number}.py"
        file.write_text(block.padded, encoding="utf-8")
        files += [f"{file} '{block}'"]
    project.run(f"python run_blocks.py {' '.join(files)}")


SCRIPT = '''
"""Run blocks; check the settings that they make, and run the tests that they define."""

import copy
import os
import sys
import unittest

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
import django
django.setup()
from django.conf import settings
from django.core.checks import run_checks
from django.test.utils import override_settings, setup_test_environment

def run(file, block):
    names = {"__name__": "block", "BASE_DIR": settings.BASE_DIR}
    names["DATABASES"] = copy.deepcopy(settings.DATABASES)
    exec(compile(open(file).read(), block, "exec"), names)

    made = {key: value for key, value in names.items() if key in ("DATABASES", "EVENTSOURCING")}
    with override_settings(**made):
        messages = run_checks(tags=["eventsourcing"])
        assert not messages, messages

    tests = [value for value in names.values() if isinstance(value, type)
             and issubclass(value, unittest.TestCase) and value.__module__ == "block"]
    if tests:
        setup_test_environment()
        loader = unittest.defaultTestLoader
        suite = unittest.TestSuite(loader.loadTestsFromTestCase(test) for test in tests)
        assert suite.countTestCases()
        assert unittest.TextTestRunner().run(suite).wasSuccessful()

for file, block in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    # What one defines is not there for the next; to set Django up for each would take long.
    if (child := os.fork()) == 0:
        run(file, block)
        sys.exit()
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(1)
'''
