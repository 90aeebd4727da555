"""Transactions: those that the calling thread has open."""

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError

__all__ = ["is_blind", "is_in_error", "is_to_be_committed", "open_transactions", "require_unbroken"]

_BLIND_LEVELS = {"REPEATABLE READ", "SERIALIZABLE"}
# PostgreSQL's, as both versions of psycopg tell it: commands are ignored until the end.
_IN_ERROR = 3


def open_transactions() -> list[BaseDatabaseWrapper]:
    """Return the connections of the calling thread on which a transaction may be open."""
    return [each for each in connections.all(initialized_only=True) if _is_open(each)]


def is_to_be_committed(connection: BaseDatabaseWrapper) -> bool:
    """
    Tell whether a transaction is open whose end is still to come, either way.

    That of Django's ``TestCase``, around all that a test does, is not counted: to the test, what
    it has saved outside of other blocks is committed.
    """
    blocks: list[Any] = connection.atomic_blocks
    if blocks and all(getattr(block, "_from_testcase", False) for block in blocks):
        return False
    return _is_open(connection)


def require_unbroken(connection: BaseDatabaseWrapper) -> None:
    """
    Raise ``TransactionManagementError`` if the transaction will be rolled back at its end.

    That is so after an error of the database which somebody has caught within it. Django and
    PostgreSQL then roll back where they are told to commit, and say nothing of that.
    """
    connection.validate_no_broken_transaction()
    if is_in_error(connection):
        raise TransactionManagementError(
            f"PostgreSQL has ended the transaction on {connection.alias!r} at an error that has "
            "been caught since.  HINT: Let errors of the database leave the policy, or put the "
            "statement that may fail into a transaction.atomic() of its own."
        )


def is_blind(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether its transactions see nothing of what others commit meanwhile, by their level."""
    # An enumeration with psycopg 3, a text with MySQL's driver; SQLite has none.
    level = getattr(connection, "isolation_level", None)
    return str(getattr(level, "name", level)).replace("_", " ").upper() in _BLIND_LEVELS


def _is_open(connection: BaseDatabaseWrapper) -> bool:
    # Without autocommit, there is one from the first statement on, in no block.
    is_managed_by_hand = connection.connection is not None and not connection.autocommit
    return connection.in_atomic_block or is_managed_by_hand


def is_in_error(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether PostgreSQL ignores commands until the end, as the driver knows, unasked."""
    if connection.vendor != "postgresql" or connection.connection is None:
        return False
    return bool(connection.connection.info.transaction_status == _IN_ERROR)
