"""What a person reads when the database is not ready: one line, with the remedy."""

from pathlib import Path

import pytest

from example_project.permits.sample.generate import PATH as SAMPLE
from tests.scenarios.project import Project

# Nothing listens at port 1.
UNREACHABLE = ("postgresql://postgres@127.0.0.1:1/none", "mysql://root@127.0.0.1:1/none")


def test_a_database_without_tables(tmp_path: Path) -> None:
    project = Project(f"sqlite:///{tmp_path / 'empty.sqlite3'}", tmp_path)

    (error,) = project.run("import_cases", SAMPLE, code=1).strip().splitlines()

    assert error.startswith("DatabaseNotReadyError: Database 'default' (SQLite at ")
    assert "lacks migrations of: django_eventsourcing" in error
    assert error.endswith("HINT: Run 'manage.py migrate'.")


@pytest.mark.parametrize("url", UNREACHABLE)
def test_a_database_that_does_not_answer(tmp_path: Path, url: str) -> None:
    project = Project(url, tmp_path)

    (error,) = project.run("import_cases", SAMPLE, code=1).strip().splitlines()

    assert error.startswith("DatabaseNotReadyError: Database 'default' (")
    assert "cannot be reached: " in error
    assert error.endswith("HINT: Start it, or correct DATABASES['default'] in your settings.")
