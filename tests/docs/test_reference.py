"""The reference is complete: each key, check, option and exit code is there, and no others."""

import re
from argparse import SUPPRESS
from pathlib import Path

import pytest
from django.core.management import load_command_class

from django_eventsourcing import conf
from django_eventsourcing.management import commands
from django_eventsourcing.management.commands import run_system
from eventsourcing.persistence import InfrastructureFactory

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def text_of(page: str) -> str:
    return (REFERENCE / page).read_text(encoding="utf-8")


def first_cells(text: str) -> set[str]:
    """Return what stands in code in the first cells of the tables."""
    return set(re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE))


def test_each_key_of_a_system_has_a_section():
    sections = re.findall(
        r"^## (?!EVENTSOURCING_)([A-Z_]+)$", text_of("settings.md"), flags=re.MULTILINE
    )

    assert sections == list(conf._SYSTEM_KEYS)


def test_each_option_is_in_a_table():
    text = text_of("settings.md")
    options = text[text.index("## OPTIONS") :]

    assert first_cells(options) == {*conf._OPTION_KEYS, *conf._ON_ERROR_KEYS}


def test_defaults_are_told_as_they_are():
    options = conf.RunnerOptions()
    text = text_of("settings.md")

    assert f"in one transaction, at most | {options.batch_size} |" in text
    assert f"other processes have recorded | {options.poll_interval} |" in text
    assert f"is tried again | {options.on_error.retries} |" in text
    assert f"`{list(options.on_error.backoff)}`" in text
    assert f'"{conf.DEFAULT_RUNNER}"' in text


def test_each_system_check_is_listed():
    sources = (ROOT / "django_eventsourcing").rglob("*.py")
    ids = {
        f"django_eventsourcing.{each}"
        for source in sources
        for each in re.findall(r'"([EW]\d{3})"', source.read_text(encoding="utf-8"))
    }

    assert first_cells(text_of("checks.md")) == ids


COMMANDS = sorted(path.stem for path in Path(commands.__file__).parent.glob("[!_]*.py"))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_of_a_command_is_listed(name):
    parser = load_command_class("django_eventsourcing", name).create_parser("", "")
    common = load_command_class("django.core", "check").create_parser("", "")
    theirs = {option: action.help for option, action in common._option_string_actions.items()}
    own = {
        option
        for option, action in parser._option_string_actions.items()
        if action.help not in (SUPPRESS, theirs.get(option))
    }

    listed = {cell.partition(" ")[0] for cell in first_cells(section_of("commands.md", name))}

    assert {cell for cell in listed if cell.startswith("-")} == own


def section_of(page: str, title: str) -> str:
    """Return the text below a title, up to the next of its level."""
    text = text_of(page)
    assert f"## {title}\n" in text, f"{page} has no section {title}"
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_each_exit_code_is_listed():
    codes = (run_system.FAILURE, run_system.USAGE, run_system.POLICY_STOPPED)

    listed = re.findall(r"^\| (\d) \|", section_of("commands.md", "run_system"), re.MULTILINE)

    assert listed == [str(code) for code in (0, *codes, run_system.DRAIN_TIMEOUT)]


def test_each_value_of_an_environment_is_listed():
    text = text_of("settings.md")
    env = text[text.index("## ENV") : text.index("## APPLICATIONS")]
    keys = {key for key in vars(InfrastructureFactory) if key.isupper()}

    missing = {key for key in keys if f"`{key}`" not in env}

    assert missing == set()
