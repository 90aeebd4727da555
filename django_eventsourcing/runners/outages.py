"""Outages: errors that are the database's, not the event's, and how long to wait for its return."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Lock

from django import db
from django.db import connections

from eventsourcing import persistence

__all__ = ["Incident", "Outage", "OutageBackoff", "close_connections", "find_alias", "is_outage"]

_INTERFACE_ERRORS = (db.InterfaceError, persistence.InterfaceError)
# PostgreSQL tells by internal errors that a transaction was idle for too long.
_OPERATIONAL_ERRORS = (
    db.OperationalError,
    persistence.OperationalError,
    db.InternalError,
    persistence.InternalError,
)

# Connections, resources, and conflicts between transactions.
_POSTGRES_CLASSES = {"08", "40", "53"}
# Shut down, crashed, starting up, dropped, idle or in a transaction for too long; a lock not
# available. A statement that takes too long (57014) is the policy's, and fails each time.
_POSTGRES_STATES = {"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04", "55P03"}
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


class Incident:
    """One outage as several threads notice it: the first of them tells it as a warning."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: set[object] = set()

    def begin(self, who: object) -> int:
        """Note that somebody waits; return the level of what is logged."""
        with self._lock:
            level = logging.INFO if self._waiting else logging.WARNING
            self._waiting.add(who)
            return level

    def end(self, who: object) -> None:
        """Note that somebody waits no longer; when nobody does, the next is another incident."""
        with self._lock:
            self._waiting.discard(who)


class Outage:
    """What one of those who use several databases waits for, and when it is to try again."""

    def __init__(
        self,
        incidents: Mapping[str, Incident],
        longest: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._incidents = incidents
        self._backoff = OutageBackoff(longest=longest)
        self._clock = clock
        self._alias = ""
        self._met_at: int | None = None
        self._due = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether there has been an outage that has not been seen to end."""
        return self._backoff.is_open

    @property
    def remaining(self) -> float:
        """For how many seconds the next try is to be waited for."""
        return max(0.0, self._due - self._clock())

    def note(self, alias: str, notification_id: int | None = None) -> int | None:
        """
        Note that the database is away, as is met at the notification, if at one.

        Return the level of what is logged, if it is news.
        """
        self._met_at = notification_id
        is_news = not self.is_open or alias != self._alias
        self._due = self._clock() + self._backoff.next()
        if not is_news:
            return None
        self._leave()
        self._alias = alias
        return self._incidents[alias].begin(self)

    def is_over_at(self, notification_id: int | None) -> bool:
        """Tell whether who has processed up to this has been as far as where the outage was met."""
        return self._met_at is None or (notification_id or 0) >= self._met_at

    def end(self) -> None:
        """Note that it is back."""
        self._backoff.end()
        self._due = float("-inf")
        self._leave()

    def _leave(self) -> None:
        if self._alias:
            self._incidents[self._alias].end(self)
        self._alias = ""


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


def find_alias() -> str | None:
    """
    Return the alias of the database that an error of the calling thread was about.

    Errors of ``django.db`` do not tell; connections remember that there was one, until they are
    closed or renewed. It is ``None`` where none of them has had any.
    """
    found = [c for c in connections.all(initialized_only=True) if c.errors_occurred]
    if len(found) > 1:
        # What a policy has overcome is on record, too.
        found = [c for c in found if c.connection is None or not c.is_usable()] or found
    return found[0].alias if found else None


def close_connections() -> None:
    """Close the calling thread's connections, those that are lost included."""
    for connection in connections.all(initialized_only=True):
        with suppress(db.Error):
            connection.close()
        connection.errors_occurred = False
