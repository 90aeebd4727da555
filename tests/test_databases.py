"""A database that does not answer: its tests say how to turn it on; where all must run, they fail."""

import os
import subprocess
import sys

TEST = "tests/django/persistence/test_factory.py::test_an_unknown_purpose_is_refused[postgres]"


def run_without_postgres(ci: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "TEST_RUN_ID"}
    environ |= {"TEST_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/nowhere", "CI": ci}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_they_are_skipped_with_a_line_that_says_how_to_turn_them_on():
    run = run_without_postgres(ci="")

    (line,) = [line for line in run.stdout.splitlines() if line.startswith("SKIPPED")]
    assert "postgres does not answer (OperationalError): set TEST_POSTGRES_URL" in line
    assert "pip install 'django-eventsourcing[postgres]'" in line
    assert "apt-get install postgresql" in line
    assert run.returncode == 0


def test_they_fail_where_all_must_run():
    run = run_without_postgres(ci="true")

    assert "postgres does not answer" in run.stdout
    assert run.returncode == 1
