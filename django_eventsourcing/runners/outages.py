"""Outages: errors that are the database's, not the event's, and how long to wait for its return."""

from collections.abc import Iterator
from contextlib import suppress

from django import db
from django.db import connections

from eventsourcing import persistence

__all__ = ["OutageBackoff", "close_connections", "is_outage"]

_INTERFACE_ERRORS = (db.InterfaceError, persistence.InterfaceError)
_OPERATIONAL_ERRORS = (db.OperationalError, persistence.OperationalError)

# Connections, resources, and conflicts between transactions.
_POSTGRES_CLASSES = {"08", "40", "53"}
# Shut down, crashed, starting up, dropped, idle for too long; a lock not available.
_POSTGRES_STATES = {"57P01", "57P02", "57P03", "57P04", "57P05", "55P03"}
# Too many connections, shut down, killed; a lock not available, a deadlock. From 2000 on, the
# client tells of a lost connection.
_MYSQL_CODES = {1040, 1053, 1205, 1213, 1927, 4031}
_SQLITE_NAMES = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR")


class OutageBackoff:
    """Gives the seconds to wait before each try: 0.25, 0.5, 1 … 30."""

    def __init__(self, first: float = 0.25, longest: float = 30.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    @property
    def is_open(self) -> bool:
        """Whether there has been an outage that has not been seen to end."""
        return self._next > self._first

    def next(self) -> float:
        """Return how long to wait now; the double, up to the longest, the next time."""
        seconds = self._next
        self._next = min(self._next * 2, self._longest)
        return seconds

    def end(self) -> None:
        """Begin with the first again at the next outage."""
        self._next = self._first


def is_outage(error: BaseException) -> bool:
    """
    Tell whether the database, rather than what is processed, is at fault.

    That is so if a connection is lost or cannot be made, and if another transaction's lock was
    in the way. The driver's code tells, wherever it is in the chain of causes: drivers report
    other things by the same classes, a missing table for example, that no patience cures. Whether
    a connection is usable now does not tell: Django opens a new one when it leaves a transaction.
    """
    if isinstance(error, _INTERFACE_ERRORS):
        return True
    if not isinstance(error, _OPERATIONAL_ERRORS):
        return False
    return any(map(_is_drivers_outage, _causes(error)))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_drivers_outage(error: BaseException) -> bool:
    if hasattr(error, "sqlstate"):
        # psycopg: without a state, the server has not answered.
        state = error.sqlstate
        return state is None or state[:2] in _POSTGRES_CLASSES or state in _POSTGRES_STATES
    if hasattr(error, "sqlite_errorname"):
        return str(error.sqlite_errorname).startswith(_SQLITE_NAMES)
    code = error.args[0] if error.args else None
    return isinstance(code, int) and (2000 <= code < 3000 or code in _MYSQL_CODES)


def close_connections() -> None:
    """Close the calling thread's connections, those that are lost included."""
    for connection in connections.all(initialized_only=True):
        with suppress(db.Error):
            connection.close()
