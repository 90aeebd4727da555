"""
Put each known-wrong way to keep commit order in on purpose, and tell which tests catch it.

Exits with 1 if one is caught by none. Needs PostgreSQL, as the tests do.
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = Path("tests/django/persistence")
FILES = ("test_interleavings.py", "test_gaps.py", "test_watermark.py", "test_commit_order.py")
SHOWN = 3
"""So many failures of each are enough."""


def main() -> int:
    names = known_wrong_names()
    survivors = 0
    for number, name in enumerate(names, start=1):
        failed = failing_tests(name)
        survivors += not failed
        caught = ", ".join(failed) or "NOT CAUGHT"
        print(f"{number:2}/{len(names)}  {name:<52} {caught}", flush=True)  # noqa: T201
    print(f"{len(names) - survivors} of {len(names)} known-wrong ways are caught")  # noqa: T201
    return 1 if survivors else 0


def known_wrong_names() -> list[str]:
    """Return the names, by a process that has Django set up."""
    code = (
        "import django; django.setup(); "
        "from tests.django.persistence.known_wrong import VARIANTS; print('\\n'.join(VARIANTS))"
    )
    output = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return output.splitlines()


def failing_tests(name: str) -> list[str]:
    """Return the tests that fail with the known-wrong way in place."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        options = [
            *("-q", f"--maxfail={SHOWN}", "-k", "not default and not mariadb"),
            *("-p", "tests.django.persistence.known_wrong_plugin"),
        ]
        done = subprocess.run(  # noqa: S603
            [
                *[sys.executable, "-m", "pytest", *options, f"--junitxml={report}"],
                *[str(TESTS / file) for file in FILES],
            ],
            cwd=ROOT,
            env={**os.environ, "KNOWN_WRONG": name},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode not in (0, 1):
            sys.exit(f"pytest could not run with {name!r}:\n{done.stdout}{done.stderr}")
        cases = ET.parse(report).iter("testcase")  # noqa: S314 - a file of our own
        return [case.attrib["name"] for case in cases if case.find("failure") is not None]


if __name__ == "__main__":
    sys.exit(main())
