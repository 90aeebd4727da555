"""Holders: the open transactions for which the readers of an event table wait at a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connections

from django_eventsourcing.event_table import EventTable
from django_eventsourcing.ordering import AdvisoryLock, get_commit_order
from django_eventsourcing.watermark import Watermark
from django_eventsourcing.wording import Words

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent

__all__ = ["GapHolder", "gap_holders"]


@dataclass(frozen=True, kw_only=True)
class GapHolder:
    """An open transaction that has recorded events, or is about to: readers wait for its end."""

    pid: int | None
    """The server's process; ``None`` for a transaction that has been prepared (``PREPARE``)."""
    seconds: float | None
    """How long the transaction has been open; ``None`` if the role may not see it."""
    state: str
    """What the session does, as ``idle in transaction``; empty if the role may not see it."""
    application_name: str

    def __str__(self) -> str:
        return self._held

    @property
    def words(self) -> Words:
        """Who holds it, for how long, and what the session does, as far as that may be seen."""
        if not self.state:
            return self._held
        return Words.gettext("%(words)s (%(state)s)", words=self._held, state=self.state)

    @property
    def _held(self) -> Words:
        who = Words.gettext("a prepared transaction")
        if self.pid is not None:
            who = Words.gettext("pid %(pid)d", pid=self.pid)
        if self.seconds is None:
            return Words.gettext("held by %(who)s", who=who)
        seconds = round(self.seconds)
        return Words.gettext("held by %(who)s for %(seconds)d s", who=who, seconds=seconds)


def gap_holders(alias: str, model: type[AbstractStoredEvent]) -> list[GapHolder]:
    """
    Return the transactions that keep committed events of the table from readers, the oldest first.

    There are none on databases that show events in order, nor while nothing is waited for. A
    process that has read nothing yet cannot tell a gap that was rolled back from one that is
    held: it names all that might hold one. The calling thread's own transaction is left out.
    """
    connection = connections[alias]
    if not get_commit_order(connection).needs_watermark:
        return []
    if not Watermark(EventTable(alias, model)).is_held_up():
        return []
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, [AdvisoryLock.namespace, table])
        return [
            GapHolder(pid=pid, seconds=seconds, state=state, application_name=name)
            for pid, seconds, state, name in cursor.fetchall()
        ]


_HOLDERS = """
SELECT pid, extract(epoch FROM clock_timestamp() - min(xact_start))::float8,
       COALESCE(min(state), ''), COALESCE(min(application_name), '')
FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 2
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid = %s AND objid = %s::regclass::oid
  AND (pid IS NULL OR pid <> pg_backend_pid())
GROUP BY virtualtransaction, pid
ORDER BY min(xact_start), pid
"""
