"""The section is at home in an admin with the theme Unfold, too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.browser
@pytest.mark.stress
def test_every_screen_is_shown_under_unfold():
    # Settings are those of a process: the theme is installed in one of its own.
    of_this_run = ("TEST_RUN_ID", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST")
    environment = {key: each for key, each in os.environ.items() if key not in of_this_run}

    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:xdist"),
            "--ds=tests.django.admin.unfold_settings",
            "tests/django/admin/unfold_screens.py",
        ],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert result.returncode == 0, result.stdout
