"""Vendors: which commit order a database has."""

from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper

from django_eventsourcing.ordering.advisory_lock import AdvisoryLock
from django_eventsourcing.ordering.base import CommitOrder
from django_eventsourcing.ordering.counter_row import CounterRow
from django_eventsourcing.ordering.single_writer import SingleWriter

__all__ = ["ORDERS", "get_commit_order"]

ORDERS: dict[str, CommitOrder] = {
    "postgresql": AdvisoryLock(),
    "mysql": CounterRow(),
    "sqlite": SingleWriter(),
}


def get_commit_order(connection: BaseDatabaseWrapper) -> CommitOrder:
    """Return the commit order of the connection's database."""
    try:
        return ORDERS[connection.vendor]
    except KeyError as error:
        raise NotSupportedError(
            f"Database {connection.alias!r} is {connection.display_name}, whose commits cannot be "
            f"kept in order. Use SQLite, PostgreSQL, MySQL or MariaDB."
        ) from error
