"""The writers' queue: on MariaDB, whose open transaction all who record events wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connections

from django_eventsourcing.models import NotificationCounter
from django_eventsourcing.wording import Words

__all__ = ["WriterQueue", "find_writer_queue"]

_ACCESS_DENIED = 1227


@dataclass(frozen=True, kw_only=True)
class WriterQueue:
    """An open transaction that has recorded events, and how many wait to record some, too."""

    pid: int
    """The number of the connection, as ``KILL`` takes it."""
    seconds: float
    """How long the transaction has been open."""
    waiting: int
    """How many wait; counted up to 1,000."""
    command: str
    """What the connection does; ``Sleep`` if its program leaves it idle."""

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> Words:
        """Who holds it, for how long, and how many wait."""
        return Words.ngettext(
            "held by pid %(pid)d for %(seconds)d s (%(command)s); %(count)d writer waits",
            "held by pid %(pid)d for %(seconds)d s (%(command)s); %(count)d writers wait",
            self.waiting,
            pid=self.pid,
            seconds=round(self.seconds),
            command=self.command,
            count=self.waiting,
        )


def find_writer_queue(alias: str) -> WriterQueue | None:
    """
    Return the queue, if there is one.

    It can be seen on MariaDB alone, by a role that has the privilege PROCESS. The server shows its
    locks anew when nobody has looked for 0.1 s.
    """
    connection: Any = connections[alias]
    if connection.vendor != "mysql" or not connection.mysql_is_mariadb:
        return None
    with connection.cursor() as cursor:
        try:
            cursor.execute(_QUEUE, [f"%`{NotificationCounter._meta.db_table}`"])
        except OperationalError as error:
            if error.args[0] == _ACCESS_DENIED:
                return None
            raise
        rows = cursor.fetchall()
    if not rows:
        return None
    pid, seconds, _, command = rows[0]
    # Whoever waits for several locks has a row for each of them.
    waiting = {waits for holder, _, waits, _ in rows if holder == pid}
    return WriterQueue(pid=pid, seconds=float(seconds), waiting=len(waiting), command=command or "")


# Those who wait, wait for each other, too: the one at the head of the queue does not wait. Between
# the looks of the server at its own locks, the table of processes may have moved on.
_QUEUE = """
SELECT head.trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, head.trx_started, NOW()),
       waits.requesting_trx_id, processes.command
FROM information_schema.innodb_lock_waits AS waits
JOIN information_schema.innodb_locks AS locks ON locks.lock_id = waits.requested_lock_id
JOIN information_schema.innodb_trx AS head ON head.trx_id = waits.blocking_trx_id
LEFT JOIN information_schema.processlist AS processes ON processes.id = head.trx_mysql_thread_id
WHERE locks.lock_table LIKE %s AND locks.lock_table LIKE CONCAT('`', DATABASE(), '`.%%')
  AND head.trx_state <> 'LOCK WAIT'
ORDER BY head.trx_started, head.trx_mysql_thread_id
LIMIT 1000
"""
