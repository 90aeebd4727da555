"""Catalogues of translations as tests read them: what is to be said, and how it is said."""

import ast
import gettext
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

__all__ = ["ADVICE", "PACKAGE", "Entry", "compiled", "entries", "extracted"]

PACKAGE = Path(__file__).resolve().parent.parent / "django_eventsourcing"
ADVICE = "The programs of gettext are not installed: apt-get install gettext"
_LINE = re.compile(r'(?:(msg\w+(?:\[\d\])?) )?(".*")')


@dataclass
class Entry:
    """A phrase of a catalogue with its translations: one, or one for each form of the plural."""

    msgid: str = ""
    plural: str = ""
    said: list[str] = field(default_factory=list)
    is_fuzzy: bool = False


def entries(path: Path) -> dict[str, Entry]:
    """Return the entries of a ``.po`` file by their phrases, the head under an empty one."""
    found = [_entry(block) for block in path.read_text("utf-8").split("\n\n")]
    return {entry.msgid: entry for entry in found}


def compiled(path: Path) -> dict[str, list[str]]:
    """Return the translations of a ``.mo`` file by their phrases."""
    with path.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog
    found: dict[str, list[str]] = {}
    for key, said in catalogue.items():
        found.setdefault(key[0] if isinstance(key, tuple) else key, []).append(said)
    return found


def extracted(directory: Path) -> dict[str, Entry]:
    """
    Return the phrases that there are in the code, in the form of an empty catalogue.

    Where gettext is missing the test is skipped; under CI=true it fails.
    """
    if shutil.which("xgettext") is None:
        if os.environ.get("CI") == "true":
            pytest.fail(ADVICE, pytrace=False)
        pytest.skip(ADVICE)
    copy = directory / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("locale", "__pycache__"))
    (copy / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "--locale=de", "--verbosity=0"]
    subprocess.run(command, cwd=copy, env=_without_settings(), check=True, timeout=120)
    return entries(copy / "locale" / "de" / "LC_MESSAGES" / "django.po")


def _without_settings() -> dict[str, str]:
    return {name: each for name, each in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}


def _entry(block: str) -> Entry:
    texts: dict[str, str] = {}
    key = ""
    for line in block.splitlines():
        if match := _LINE.fullmatch(line):
            key = match[1] or key
            texts[key] = texts.get(key, "") + ast.literal_eval(match[2])
    return Entry(
        msgid=texts["msgid"],
        plural=texts.get("msgid_plural", ""),
        said=[text for name, text in texts.items() if name.startswith("msgstr")],
        is_fuzzy=bool(re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE)),
    )
