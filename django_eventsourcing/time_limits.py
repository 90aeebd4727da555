"""Time limits: how long a statement may take, as each database can be told."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["is_timeout", "time_limit"]

_QUERY_CANCELED = "57014"
_MARIADB_TIMEOUT, _MYSQL_TIMEOUT = 1969, 3024
_INTERRUPTED = "interrupted"
# Steps of SQLite's machine between two looks at the clock: some milliseconds.
_STEPS = 100_000


def time_limit(connection: BaseDatabaseWrapper, seconds: float) -> AbstractContextManager[None]:
    """
    Let no statement within take longer; a lower limit that is in force stays so.

    On PostgreSQL there is a transaction within, so that a pooler that pools by transaction hands
    the limit to nobody else. On SQLite all statements together may take so long.
    """
    if connection.vendor == "postgresql":
        return _on_postgresql(connection, seconds)
    if connection.vendor == "mysql":
        return _on_mysql(connection, seconds)
    return _on_sqlite(connection, seconds)


def is_timeout(error: OperationalError) -> bool:
    """Tell whether the statement was ended because it took too long."""
    if getattr(error.__cause__, "sqlstate", None) == _QUERY_CANCELED:
        return True
    code = error.args[0] if error.args else None
    return code in (_MARIADB_TIMEOUT, _MYSQL_TIMEOUT, _INTERRUPTED)


@contextmanager
def _on_postgresql(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    was_in_transaction = connection.in_atomic_block
    milliseconds = round(seconds * 1000)
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setting, set_config(name, CASE WHEN setting::bigint BETWEEN 1 AND %s "
                "THEN setting ELSE %s END, true) FROM pg_settings WHERE name = 'statement_timeout'",
                [milliseconds, str(milliseconds)],
            )
            before = cursor.fetchone()[0]
        yield
        if was_in_transaction:
            # The transaction goes on; at its end, the setting would be undone by itself.
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])


@contextmanager
def _on_mysql(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    is_mariadb = getattr(connection, "mysql_is_mariadb", False)
    name, limit = (
        ("max_statement_time", seconds)
        if is_mariadb
        else ("max_execution_time", round(seconds * 1000))
    )
    now = f"@@SESSION.{name}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET @django_eventsourcing_limit = {now}, "
            f"SESSION {name} = IF({now} > 0 AND {now} < %s, {now}, %s)",
            [limit, limit],
        )
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"SET SESSION {name} = @django_eventsourcing_limit")


@contextmanager
def _on_sqlite(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    deadline = time.monotonic() + seconds
    connection.connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    try:
        yield
    finally:
        if connection.connection is not None:
            connection.connection.set_progress_handler(None, 0)
