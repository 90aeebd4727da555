"""
The commit order of MySQL and MariaDB: a counter row, for which writers follow each other.

InnoDB draws an id before any lock of the row exists, so no lock on the events themselves can order
them. Ids are drawn from a counter row instead, one for each event table. Updating it locks it
until the end of the transaction, and InnoDB releases row locks after the commit is visible. The
counter is part of the transaction: a rollback takes its ids back before anyone has seen them. It
is updated last, just before the insert, so that writers wait for each other as briefly as their
transactions allow.

The price is that a writer waits for the transactions before it, from their first event to their
commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Subquery

from django_eventsourcing.ordering import faults
from django_eventsourcing.ordering.base import CommitOrder, highest_id
from django_eventsourcing.problems import Problem

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent, NotificationCounter

__all__ = ["CounterRow"]


class CounterRow(CommitOrder):
    """Orders commits on MySQL and MariaDB by a counter that ids are drawn from."""

    draws_ids = True

    def before_insert(
        self, connection: BaseDatabaseWrapper, records: Sequence[AbstractStoredEvent]
    ) -> None:
        """Draw ids for the records that have none; the counter stays locked until the end."""
        model = type(records[0])
        without_id = [record for record in records if record.pk is None]
        last = self._draw(connection, model, len(without_id), above=highest_id(records))
        for id_, record in enumerate(without_id, start=last - len(without_id) + 1):
            record.pk = id_

    def drawn_ids(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent], count: int
    ) -> Sequence[int]:
        """Draw ids from the counter, which stays locked until the end of the transaction."""
        last = self._draw(connection, model, count, above=None)
        return range(last - count + 1, last + 1)

    def exclude_writers(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]
    ) -> None:
        """Lock the counter, as whoever records events does."""
        self._draw(connection, model, 0, above=None)

    def faults(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]
    ) -> list[Problem]:
        """Return a warning of Galera, whose nodes do not wait for each other's locks."""
        with connection.cursor() as cursor:
            cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")
            is_cluster = (cursor.fetchone() or ("", ""))[1] == "ON"
        return [faults.cluster(connection)] if is_cluster else []

    def _draw(
        self,
        connection: BaseDatabaseWrapper,
        model: type[AbstractStoredEvent],
        count: int,
        above: int | None,
    ) -> int:
        from django_eventsourcing.models import NotificationCounter

        alias = connection.alias
        counter = NotificationCounter.objects.using(alias).filter(event_table=model._meta.db_table)
        if not counter.update(last_id=F("last_id") + count):
            self._create(connection, counter.model, model._meta.db_table)
            counter.update(last_id=F("last_id") + count)
        ids = model.objects.using(alias).order_by("-id").values("id")
        last: int
        highest: int | None
        last, highest = counter.values_list("last_id", Subquery(ids[:1])).get()
        floor = max(highest or 0, above or 0)
        if last - count < floor:
            # Events have come from elsewhere (a fixture, a dump), or their ids have been given:
            # go on above them.
            last = floor + count
            counter.update(last_id=last)
        return last

    def _create(
        self, connection: BaseDatabaseWrapper, model: type[NotificationCounter], event_table: str
    ) -> None:
        """Create the counter unless it is there; whoever else is creating it is waited for."""
        # Not an insert that ignores conflicts: it would share the lock with the others that wait,
        # and none of them could go on to update the row. And not an upsert of the ORM's, which
        # cannot have the primary key in it; with another unique key, InnoDB locks its neighbours.
        table = connection.ops.quote_name(model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (event_table, last_id) VALUES (%s, 0) "  # noqa: S608
                f"ON DUPLICATE KEY UPDATE last_id = last_id",
                [event_table],
            )
