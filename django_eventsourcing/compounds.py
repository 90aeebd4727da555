"""Compounds: several statements that go to PostgreSQL at once, and take one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["select_at_once", "select_guarded", "takes_compounds"]

_SAVEPOINT = "django_eventsourcing"


def takes_compounds(connection: BaseDatabaseWrapper) -> bool:
    """
    Tell whether several statements can be sent at once, with one list of parameters.

    They can where psycopg 3 puts parameters into the text, as is the default. Who watches
    statements by ``execute_wrapper()`` sees each of them by itself, unless a wrapper says by an
    attribute ``takes_compounds`` that it need not.
    """
    if connection.vendor != "postgresql" or not all(
        getattr(wrapper, "takes_compounds", False) for wrapper in connection.execute_wrappers
    ):
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return is_psycopg3 and not connection.settings_dict["OPTIONS"].get("server_side_binding")


def select_at_once(
    alias: str, statements: Sequence[str], params: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """
    Return the rows of the last of the statements.

    Outside a transaction, all of them have their effects, or none: the server makes one transaction
    of what it receives at once.
    """
    return _rows(connections[alias], statements, params, len(statements))


def select_guarded(
    alias: str, statements: Sequence[str], params: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of the last; if any fails, a transaction stays as it was, and usable."""
    connection: Any = connections[alias]
    guarded = [f"SAVEPOINT {_SAVEPOINT}", *statements, f"RELEASE SAVEPOINT {_SAVEPOINT}"]
    try:
        return _rows(connection, guarded, params, len(guarded) - 1)
    except BaseException:
        if not connection.needs_rollback:
            _roll_back(connection)
        raise


def _rows(
    connection: Any, statements: Sequence[str], params: Sequence[Any], number: int
) -> list[tuple[Any, ...]]:
    """Return the rows of the statement of that number, the first one being 1."""
    with connection.cursor() as cursor:
        cursor.execute("; ".join(statements), params)
        for _ in range(number - 1):
            cursor.nextset()
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _roll_back(connection: Any) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
    except DatabaseError:
        # There is no such savepoint if the transaction was of no use before.
        connection.needs_rollback = True
