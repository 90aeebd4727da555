"""The pages of the core's names and of the app's say what the docstrings say; each has one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import django_eventsourcing
from django_eventsourcing import projections, signals

ROOT = Path(__file__).resolve().parents[2]


def text_of(page):
    return (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")


def test_the_pages_are_what_the_docstrings_say():
    done = subprocess.run(
        [sys.executable, "scripts/make_reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("page", ["api.md", "django.md"])
def test_each_member_is_described(page):
    assert re.findall(r"^- `[^`]*`$", text_of(page), flags=re.MULTILINE) == []


@pytest.mark.parametrize("page", ["api.md", "django.md"])
def test_each_name_is_described(page):
    assert re.findall(r"^### .*\n\n(?=#|- |\n)", text_of(page), flags=re.MULTILINE) == []


@pytest.mark.parametrize("module", [django_eventsourcing, projections, signals])
def test_what_users_import_from_the_app_is_there(module):
    section = text_of("django.md").partition(f"\n## `{module.__name__}`\n")[2].partition("\n## ")[0]

    titles = re.findall(r"^### `(\w+)", section, flags=re.MULTILINE)

    assert titles == sorted(module.__all__, key=str.lower)
