"""Listeners: threads that hear, through PostgreSQL's LISTEN, of what other processes record."""

import logging
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from threading import Event, Thread
from typing import Any
from uuid import uuid4

from django import db
from django.db import connections

from django_eventsourcing.notifying import CHANNEL, can_notify, notify
from django_eventsourcing.problems import described
from django_eventsourcing.runners.outages import OutageBackoff

__all__ = ["LISTENER_NAME", "Listener", "WakeUpState", "can_listen"]

logger = logging.getLogger(__name__)

LISTENER_NAME = "django_eventsourcing listener"
"""What the server shows as the application_name of a listening connection."""

# A cut in the network is noticed after about ten seconds.
_CONNECTION_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class WakeUpState(StrEnum):
    """How commits of other processes are heard of."""

    LISTENING = "listening"
    POLLING = "polling"
    LOST = "listening lost"


class Listener(Thread):
    """
    Hears of what is recorded in one database, on a connection of its own.

    ``on_heard`` is called, in this thread, with the name of the application; with ``None`` when
    the listener begins to hear, or hears again: what was recorded before may have been missed.

    A connection that is lost is opened again, with growing pauses. One through a transaction pooler
    stays open, and hears nothing: so the listener sends itself a notification at the start, and
    whenever it has heard none for a while.
    """

    ping_interval = 10.0
    """Seconds without a notification after which the listener sends itself one."""
    ping_timeout = 2.0
    """Seconds in which it must hear its own."""
    deaf_interval = 300.0
    """Seconds until it is tried again to listen where nothing has ever been heard."""

    def __init__(self, alias: str, on_heard: Callable[[str | None], object]) -> None:
        super().__init__(name=f"listener on {alias}", daemon=True)
        self.alias = alias
        self.state = WakeUpState.POLLING
        self._on_heard = on_heard
        self._stopping = Event()
        self._awaken, self._awoken = socket.socketpair()
        self._outage = OutageBackoff()

    def stop(self) -> None:
        """Ask the listener to end; it does so at once."""
        self._stopping.set()
        with suppress(OSError):  # It has ended already.
            self._awaken.send(b"\0")

    def run(self) -> None:
        with self._awaken, self._awoken:
            while not self._stopping.is_set():
                try:
                    self._listen()
                except _DeafError as error:
                    self._stopping.wait(self._note_deaf(error))
                except Exception as error:  # noqa: BLE001 - polling goes on, whatever it is
                    self._note_loss(described(error))
                    self._stopping.wait(self._outage.next())
        self.state = WakeUpState.POLLING

    def _listen(self) -> None:
        """Hear until told to stop; raise what keeps it from hearing."""
        with _own_connection(self.alias, LISTENER_NAME) as connection:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            self._on_heard(None)
            self._require_ping(connection.connection)
            self._note_listening()
            while not self._stopping.is_set():
                if not self._hear(connection.connection, self.ping_interval):
                    # A ping that cannot be sent, because there are too many connections, say,
                    # does not tell that nothing is heard.
                    with suppress(db.Error):
                        self._require_ping(connection.connection)

    def _require_ping(self, driver_connection: Any) -> None:
        """
        Send a notification to oneself; raise ``_DeafError`` if it is not heard in time.

        It leaves through another connection, while the own one is idle: a transaction pooler hands
        on what its server says during a transaction, and nothing of what it says in between.
        """
        ping = f" {uuid4()}"
        with _own_connection(self.alias, f"{LISTENER_NAME}: test") as connection:
            notify(connection, ping)
        deadline = time.monotonic() + self.ping_timeout
        while not self._stopping.is_set():
            left = deadline - time.monotonic()
            if ping in self._hear(driver_connection, max(0.0, left)):
                return
            if left <= 0:
                raise _DeafError("a notification sent as a test was not heard")

    def _hear(self, driver_connection: Any, timeout: float) -> list[str]:
        """Wait for notifications, at most until the time-out; pass them on, and return them."""
        with selectors.DefaultSelector() as selector:
            selector.register(driver_connection.fileno(), selectors.EVENT_READ)
            selector.register(self._awoken, selectors.EVENT_READ)
            selector.select(timeout)
        heard = list(_received(driver_connection))
        for payload in dict.fromkeys(heard):
            self._on_heard(payload)
        return heard

    def _note_listening(self) -> None:
        if self._stopping.is_set():
            return
        if self._outage.is_open:
            logger.info("LISTEN on the database %r is back", self.alias)
        self._outage.end()
        self.state = WakeUpState.LISTENING

    def _note_loss(self, reason: str) -> None:
        if not self._outage.is_open:
            logger.warning(
                "LISTEN on the database %r is lost, and is tried again; polling goes on: %s",
                self.alias,
                reason,
            )
        self.state = WakeUpState.LOST

    def _note_deaf(self, error: Exception) -> float:
        """Note that nothing is heard through a connection that is open; return for how long."""
        if self.state is not WakeUpState.POLLING:
            self._note_loss(str(error))
            return self._outage.next()
        if not self._outage.is_open:
            logger.warning(
                "LISTEN on the database %r hears nothing: the connection seems to lead through a "
                "transaction pooler, such as PgBouncer; polling goes on.  HINT: Connect the "
                "process that runs the system to the server itself, or set LISTEN to False.",
                self.alias,
            )
        self._outage.next()
        return self.deaf_interval


def can_listen(alias: str) -> bool:
    """Tell whether one can LISTEN on the database: on PostgreSQL, with psycopg 3."""
    if not can_notify(alias):
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return bool(is_psycopg3)


class _DeafError(Exception):
    """Nothing is heard of what is notified."""


def _received(driver_connection: Any) -> Iterator[str]:
    pgconn = driver_connection.pgconn
    pgconn.consume_input()
    while notification := pgconn.notifies():
        yield notification.extra.decode()


@contextmanager
def _own_connection(alias: str, name: str) -> Iterator[Any]:
    """Open a connection that nobody else uses, not even through a pool; close it at the end."""
    # It is the thread's own, not yet open, and stays so.
    connection: Any = connections[alias].copy()
    settings = connection.settings_dict
    given = {key: value for key, value in settings["OPTIONS"].items() if key != "pool"}
    settings["OPTIONS"] = {**_CONNECTION_OPTIONS, **given, "application_name": name}
    settings["AUTOCOMMIT"] = True
    with closing(connection):
        connection.ensure_connection()
        yield connection
