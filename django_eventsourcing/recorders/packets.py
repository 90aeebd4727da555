"""Packets: how long a statement MySQL and MariaDB take, before they hang up on a longer one."""

from collections.abc import Sequence

from django.db import connections

from eventsourcing.persistence.errors import DataError
from eventsourcing.persistence.records import StoredEvent

__all__ = ["require_packet"]

# Below this, the server is not asked: with all bytes escaped, 1 MiB, it fits wherever events do.
_SMALL = 512 * 1024
# Bytes that are two in a statement.
_ESCAPED = (b"\0", b"\n", b"\r", b"\\", b"'", b'"', b"\x1a")
_PER_EVENT = 2048
"""What the other columns of an event need, with room to spare."""


def require_packet(alias: str, application_name: str, stored_events: Sequence[StoredEvent]) -> None:
    """
    Raise ``DataError`` if the events are more than the server takes in one statement.

    It would close the connection, as it does when it goes away, and would be waited for in vain.
    """
    connection = connections[alias]
    if connection.vendor != "mysql" or sum(len(e.state) for e in stored_events) < _SMALL:
        return
    size = sum(
        len(event.state) + sum(map(event.state.count, _ESCAPED)) + _PER_EVENT
        for event in stored_events
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@max_allowed_packet")
        (packet,) = cursor.fetchone()
    if size > packet:
        raise DataError(
            f"{application_name}: {len(stored_events)} event(s) need {size} bytes in one "
            f"statement, and max_allowed_packet of database {alias!r} is {packet}. "
            f"Save fewer or smaller events at once, or raise max_allowed_packet on the server."
        )
