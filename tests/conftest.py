"""Fixtures of all tests: the databases, one after the other."""

import os
import signal
from collections.abc import Generator, Iterable

import pytest
from django.conf import settings
from django.core.management.commands import flush
from django.db import connections
from hypothesis import settings as hypothesis_settings

from tests.databases import ALIASES, parameter

# A busy machine is no fault: nothing is timed in tests. With CI=true, Hypothesis does so by itself.
if os.environ.get("CI") != "true":
    hypothesis_settings.register_profile("untimed", deadline=None)
    hypothesis_settings.load_profile("untimed")

# Each process that a test starts would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

PARAMETERS = ("database", "vendor", "alias")
"""The names by which tests have databases in turn."""
LASTING = {"django_content_type", "auth_permission"}
"""Tables whose rows follow from the models, and are the same after each test."""


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


@pytest.fixture(scope="session")
def django_db_modify_db_settings_parallel_suffix() -> None:
    """Leave the names of databases alone: the settings give each run, and each side of it, its own."""


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Let the processes that tests start be interrupted, also where a shell has put this aside."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _flush() -> None:
    """
    Empty tables between tests: on SQLite so that ids begin anew, whatever test was before, and on
    PostgreSQL by deleting, as to truncate a few rows takes longer.

    What follows from the models, content types and permissions, stays: to make it again after each
    test takes longer than most tests.
    """
    flush.emit_post_migrate_signal = lambda *args, **kwargs: None
    names_of_all = flush.sql_flush

    def sql_flush(style, connection, **kwargs):
        introspection = connection.introspection
        table_names = introspection.django_table_names

        def names(**options):
            return [name for name in table_names(**options) if name not in LASTING]

        introspection.django_table_names = names
        try:
            return names_of_all(style, connection, **kwargs)
        finally:
            del introspection.django_table_names

    flush.sql_flush = sql_flush
    operations = connections["default"].ops
    emptying = operations.sql_flush

    def flush_sqlite(style, tables, *, reset_sequences=False, allow_cascade=False):
        return emptying(style, tables, reset_sequences=True, allow_cascade=allow_cascade)

    operations.sql_flush = flush_sqlite
    if "postgres" not in settings.DATABASES:
        return
    operations = connections["postgres"].ops
    truncating = operations.sql_flush

    def flush_postgres(style, tables, *, reset_sequences=False, allow_cascade=False):
        if reset_sequences:
            return truncating(
                style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade
            )
        return [f"DELETE FROM {operations.quote_name(table)};" for table in tables]

    operations.sql_flush = flush_postgres


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """
    Leave to ``make stress`` the databases that a test needs in its long form alone.

    A test that is not of those that are enough, or runs where none of them answers, is as long
    as ever.
    """
    for item in items:
        mark = item.get_closest_marker("long_elsewhere")
        if mark is None or not hasattr(item, "callspec"):
            continue
        alias = next(filter(None, map(item.callspec.params.get, PARAMETERS)), None)
        enough = settings.DATABASES.keys() & mark.args & _databases_of(item)
        if alias and enough and alias not in enough:
            item.add_marker("stress")


def _databases_of(item: pytest.Item) -> set[str]:
    """Return the aliases of the databases that a test has in turn."""
    for mark in item.iter_markers("parametrize"):
        if mark.args and mark.args[0] in PARAMETERS:
            return {getattr(value, "values", (value,))[0] for value in mark.args[1]}
    return set(ALIASES)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape what is no Unicode in what was captured: another process could not be handed it."""
    report = yield
    report.sections = [
        (title, text.encode(errors="backslashreplace").decode()) for title, text in report.sections
    ]
    return report
