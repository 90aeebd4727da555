"""One look: all that is read of a database is as it was at one moment."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.db import connections, transaction

from django_eventsourcing.verifying.errors import VerifyError

__all__ = ["can_write_within", "one_look"]


_LEVEL = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
# What is said before the transaction, and what fixes the moment, as its first statements.
_BEFORE = {"mysql": [_LEVEL]}
_FIRST = {
    "mysql": ["START TRANSACTION WITH CONSISTENT SNAPSHOT"],
    # A look does not see rows that are truncated after it has begun: tables are held before.
    "postgresql": [_LEVEL, "LOCK TABLE {tables} IN ACCESS SHARE MODE", "SELECT 1"],
    "sqlite": ["SELECT 1 FROM sqlite_master LIMIT 1"],
}


@contextmanager
def one_look(alias: str, tables: Sequence[str]) -> Iterator[None]:
    """
    Read within as of the moment it begins, whatever others commit; nothing that is written remains.

    Others read and write meanwhile, and wait only to truncate, change or swap one of the tables.
    PostgreSQL, MariaDB and MySQL read at REPEATABLE READ, SQLite in a transaction that only reads:
    with its journal in WAL mode, others write meanwhile.
    """
    connection = connections[alias]
    if connection.in_atomic_block:
        raise VerifyError(
            f"Database {alias!r} is in a transaction, whose look at it may be old.  HINT: Verify "
            "outside of it."
        )
    connection.ensure_connection()
    quoted = ", ".join(str(connection.ops.quote_name(name)) for name in tables)
    _execute(alias, _BEFORE.get(connection.vendor, ()))
    with _reading_only(alias), transaction.atomic(using=alias):
        first = _FIRST.get(connection.vendor, ())
        _execute(alias, [statement.format(tables=quoted) for statement in first])
        try:
            yield
        finally:
            transaction.set_rollback(True, using=alias)


def can_write_within(alias: str) -> bool:
    """Tell whether something may be written during a look, without keeping others from it."""
    return connections[alias].vendor != "sqlite"


@contextmanager
def _reading_only(alias: str) -> Iterator[None]:
    """Let a transaction of SQLite begin as one that reads, even if others begin by writing."""
    connection = connections[alias]
    before = getattr(connection, "transaction_mode", None)
    if connection.vendor != "sqlite" or before is None:
        yield
        return
    connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.transaction_mode = before  # type: ignore[attr-defined]


def _execute(alias: str, statements: Iterable[str]) -> None:
    with connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
