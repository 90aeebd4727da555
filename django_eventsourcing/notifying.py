"""Notifying: telling other processes, through PostgreSQL, what has been recorded."""

import logging
from typing import Any

from django.db import connections

from django_eventsourcing.problems import described

__all__ = ["CHANNEL", "Notice", "can_notify", "notify"]

logger = logging.getLogger(__name__)

CHANNEL = "django_eventsourcing"
"""The channel of all notifications; the payload of each is the name of an application."""


class Notice:
    """
    Tells other processes that an application has recorded events, when it is called.

    Let it be called after the commit, in the thread that has saved. Of several notices of one
    application in one transaction, the first that is called is sent. What keeps it from being
    sent is logged, never raised: those that were to hear of it find the events by polling.

    It is sent in a transaction of its own. PostgreSQL takes a lock on the whole database cluster
    when a transaction that notifies commits, and keeps it until the commit is on disk: from within
    the transactions that write events, commits would wait for each other. One that notifies and
    writes nothing does not wait for the disk.
    """

    def __init__(self, alias: str, application_name: str) -> None:
        self._alias = alias
        self._application_name = application_name
        self._sent = _sent_with(connections[alias])

    def __call__(self) -> None:
        connection = connections[self._alias]
        # It is open where tests call what waits for a commit that is never made.
        if self._application_name in self._sent or connection.in_atomic_block:
            return
        self._sent.add(self._application_name)
        try:
            notify(connection, self._application_name)
        except Exception as error:  # noqa: BLE001 - whatever a driver, or what wraps it, raises
            logger.warning(
                "%s has recorded events, and other processes cannot be told: %s",
                self._application_name,
                described(error),
            )


def can_notify(alias: str) -> bool:
    """Tell whether the database takes notifications to other processes."""
    return connections[alias].vendor == "postgresql"


def notify(connection: Any, payload: str) -> None:
    """Send a notification; it leaves with the commit of the transaction, if one is open."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])


def _sent_with(connection: Any) -> set[str]:
    """
    Return the set of what the notices of the connection's transaction have sent.

    All those that wait for its commit share it: each new one has it from one before. If none is
    left, because their savepoints were rolled back, there is none to share it with.
    """
    for _, callback, _ in reversed(connection.run_on_commit):
        if isinstance(callback, Notice):
            return callback._sent
    return set()
