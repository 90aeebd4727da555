"""The page of the core's names says what the docstrings say, and each name has one."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_what_the_docstrings_say():
    done = subprocess.run(
        [sys.executable, "scripts/make_reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stderr == ""
    assert done.returncode == 0


def test_each_member_is_described():
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")

    assert re.findall(r"^- `[^`]*`$", page, flags=re.MULTILINE) == []
