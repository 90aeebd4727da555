"""Fixtures of all tests: the databases, one after the other."""

import os

import pytest
from django.conf import settings
from django.db import connections

from tests.databases import ALIASES, parameter


@pytest.fixture(params=[parameter(alias) for alias in ALIASES])
def database(request: pytest.FixtureRequest) -> str:
    """
    Return the alias of each database in turn, with its tables empty and transactions real.

    "default" is SQLite, "postgres" and "mariadb" are where their servers answer. A test that
    needs more than this one database says so by a ``django_db`` mark of its own; one that is about
    some of them says so by ``tests.databases.on()``.
    """
    alias: str = request.param
    if alias not in settings.DATABASES:
        reason = settings.UNREACHABLE[alias]
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return alias


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> None:
    """Empty PostgreSQL's tables between tests by deleting: to truncate a few rows takes longer."""
    if "postgres" not in settings.DATABASES:
        return
    operations = connections["postgres"].ops
    truncating = operations.sql_flush

    def sql_flush(style, tables, *, reset_sequences=False, allow_cascade=False):
        if reset_sequences:
            return truncating(
                style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade
            )
        return [f"DELETE FROM {operations.quote_name(table)};" for table in tables]

    operations.sql_flush = sql_flush
