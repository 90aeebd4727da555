"""Fixtures of the scenarios: a project on each database in turn, and an event log to import."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django.plugin import DjangoDbBlocker

from tests.scenarios.event_logs import CountedLog, first_cases
from tests.scenarios.project import Project, fresh_database


@pytest.fixture(params=["default", "postgres", "mariadb"])
def vendor(request: pytest.FixtureRequest) -> str:
    """Return the alias of each kind of database in turn; "default" is SQLite."""
    alias: str = request.param
    if alias not in settings.DATABASES:
        reason = settings.UNREACHABLE[alias]
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return alias


@pytest.fixture
def project(vendor: str, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Project]:
    """Return the example project, migrated, on a database of its own."""
    with django_db_blocker.unblock(), fresh_database(vendor, tmp_path) as url:
        project = Project(url, tmp_path)
        try:
            project.run("migrate", "--verbosity=0")
            yield project
        finally:
            project.close()


@pytest.fixture
def event_log(tmp_path: Path) -> CountedLog:
    """Return an event log of 60 cases."""
    return first_cases(60, tmp_path)
