"""Compounds: several statements that go to PostgreSQL at once, and take one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_eventsourcing.transactions import is_in_error

__all__ = ["GUARD", "select_at_once", "select_guarded", "takes_compounds"]

GUARD = "django_eventsourcing"
"""The name of the savepoint around statements that leave the caller's transaction usable."""


def takes_compounds(connection: BaseDatabaseWrapper) -> bool:
    """
    Tell whether several statements can be sent at once, with one list of parameters.

    They can where psycopg 3 puts parameters into the text, as is the default: not with
    ``server_side_binding``, nor with a ``cursor_factory`` of the project's own. Who watches
    statements by ``execute_wrapper()`` sees each of them by itself, unless a wrapper says by an
    attribute ``takes_compounds`` that it need not.
    """
    if connection.vendor != "postgresql" or not all(
        getattr(wrapper, "takes_compounds", False) for wrapper in connection.execute_wrappers
    ):
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    options = connection.settings_dict["OPTIONS"]
    is_default = not options.get("server_side_binding") and "cursor_factory" not in options
    return is_psycopg3 and is_default


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
    """Return the rows of the last; if the server refuses any, a transaction stays usable."""
    connection: Any = connections[alias]
    guarded = [f"SAVEPOINT {GUARD}", *statements, f"RELEASE SAVEPOINT {GUARD}"]
    try:
        return _rows(connection, guarded, params, len(guarded) - 1)
    except BaseException:
        # What has not come to the server has changed nothing there.
        if not connection.needs_rollback and is_in_error(connection):
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
            cursor.execute(f"ROLLBACK TO SAVEPOINT {GUARD}")
            cursor.execute(f"RELEASE SAVEPOINT {GUARD}")
    except DatabaseError:
        # There is no such savepoint if the transaction was of no use before.
        connection.needs_rollback = True
