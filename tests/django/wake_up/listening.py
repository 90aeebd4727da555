"""What hears notifications as a client of PostgreSQL does, and what is seen of listeners there."""

from django.db import connections

from django_eventsourcing.notifying import CHANNEL, notify
from django_eventsourcing.runners.listener import LISTENER_NAME


class Ear:
    """Hears what is notified in a database, other than what listeners send themselves."""

    def __init__(self, alias):
        self._connection = connections[alias].copy()

    def __enter__(self):
        with self._connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        return self

    def __exit__(self, *args):
        self._connection.close()

    def heard(self):
        """Return what was notified since the last call, in order."""
        # The server hands on what was notified before this one in the order of the commits.
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, "the last"])
        heard = []
        while "the last" not in heard:
            received = self._connection.connection.notifies(timeout=10, stop_after=1)
            heard += [notification.payload for notification in received]
        return [payload for payload in heard if payload != "the last" and payload[0] != " "]


def say(alias, payload):
    """Notify in a transaction of its own."""
    notify(connections[alias], payload)


def listeners_at(alias):
    """Return the process ids that the server has for connections of listeners."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = %s",
            [LISTENER_NAME],
        )
        return [pid for (pid,) in cursor.fetchall()]


def cut_listeners(alias):
    """Let the server end the connections of listeners; return how many there were."""
    pids = listeners_at(alias)
    with connections[alias].cursor() as cursor:
        for pid in pids:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    return len(pids)
