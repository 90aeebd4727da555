"""The databases that tests run on: SQLite always, PostgreSQL and MariaDB where they answer."""

from typing import Any

import pytest
from django.conf import settings

ALIASES = ("default", "postgres", "mariadb")


def on(*aliases: str) -> pytest.MarkDecorator:
    """Run a test, which asks for the ``database`` fixture, on these databases alone."""
    return pytest.mark.parametrize("database", [parameter(a) for a in aliases], indirect=True)


def with_pages(*aliases: str) -> pytest.MarkDecorator:
    """Run a test of pages with events in these databases; users are in the default one."""
    return pytest.mark.parametrize("database", [_with_users(a) for a in aliases], indirect=True)


def parameter(alias: str) -> Any:
    """Return what makes the ``database`` fixture give this alias."""
    if alias not in settings.DATABASES:
        return alias
    return pytest.param(alias, marks=pytest.mark.django_db(transaction=True, databases=[alias]))


def _with_users(alias: str) -> Any:
    if alias not in settings.DATABASES:
        return alias
    databases = list(dict.fromkeys(["default", alias]))
    mark = pytest.mark.django_db(transaction=True, databases=databases)
    return pytest.param(alias, marks=mark)
