"""
Commit order: how each database is made to show the ids of events in increasing order.

A follower remembers nothing but the last id that it has seen. That loses no event only if an id
becomes visible after every lower one that will ever be visible. Ids are not drawn in the order of
commits by themselves: a transaction that drew 7 may commit after one that drew 8, and a follower
that has read 8 by then would never look at 7. Each class here closes that gap for one kind of
database, by letting writers of one event table follow each other:

PostgreSQL
    A writer takes an exclusive advisory lock, one for each event table, *before* its ids are
    drawn from the sequence, and holds it until the end of its transaction. PostgreSQL makes a
    commit visible before it releases the locks of the transaction. So whoever gets the lock draws
    ids above all those that are visible or ever will be, and no statement sees its rows without
    seeing all the lower ones. A trigger takes the same lock for inserts of any other origin
    (``COPY``, plain SQL): a trigger *before* the statement runs before the statement's ids are
    drawn. The lock belongs to the transaction, never to the session, so it is safe behind a
    connection pooler, and a rollback gives it back.

MySQL and MariaDB
    InnoDB draws an id before any lock of the row exists, so no lock on the events themselves can
    order them. Ids are drawn from a counter row instead, one for each event table. Updating it
    locks it until the end of the transaction, and InnoDB, too, releases row locks after the
    commit is visible. The counter is part of the transaction: a rollback takes its ids back
    before anyone has seen them. It is updated last, just before the insert, so that writers wait
    for each other as briefly as their transactions allow.

SQLite
    There is one writer at a time, from its first write to its commit, so ids are drawn in the
    order of commits. ``AUTOINCREMENT`` keeps the id of a deleted event from being given out
    again. The id of an event that was rolled back is given out again, which nobody can notice:
    readers see committed rows alone.

The price on PostgreSQL and MySQL is that a writer waits for the transactions before it, from
their first event to their commit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import truncate_name
from django.db.models import F, Subquery

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent, NotificationCounter

__all__ = ["AdvisoryLock", "CommitOrder", "CounterRow", "SingleWriter", "get_commit_order"]


class CommitOrder(ABC):
    """Keeps the ids of one event table in the order of their commits."""

    @abstractmethod
    def before_insert(
        self, connection: BaseDatabaseWrapper, records: Sequence[AbstractStoredEvent]
    ) -> None:
        """
        Wait for this transaction's turn to insert the records, which are of one model.

        Called in the transaction that inserts them, as the last thing before it does.
        """

    def install(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Add to the database what inserts from elsewhere need; called by a migration."""

    def uninstall(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Remove what ``install()`` has added."""

    def is_installed(self, connection: BaseDatabaseWrapper, table: str) -> bool:
        """Tell whether the table has what ``install()`` adds; one that is not there lacks none."""
        return True


class AdvisoryLock(CommitOrder):
    """Orders commits on PostgreSQL by a lock that each writer takes before ids are drawn."""

    namespace = 0x45564E54
    """The first half of the lock's key, the same for all event tables; the second is the OID."""

    def before_insert(
        self, connection: BaseDatabaseWrapper, records: Sequence[AbstractStoredEvent]
    ) -> None:
        """Take the lock; it is released by the end of the transaction."""
        table = connection.ops.quote_name(records[0]._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT pg_advisory_xact_lock({self.namespace}, %s::regclass::oid::int4)", [table]
            )

    def install(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Create the trigger that takes the lock for inserts of any origin."""
        name = self._quoted_name(schema_editor, table)
        self.uninstall(schema_editor, table)
        schema_editor.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"PERFORM pg_advisory_xact_lock({self.namespace}, TG_RELID::int4); RETURN NULL; "
            f"END $$",
            None,
        )
        schema_editor.execute(
            f"CREATE TRIGGER {name} BEFORE INSERT ON {schema_editor.quote_name(table)} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
            None,
        )

    def uninstall(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Drop the trigger."""
        name = self._quoted_name(schema_editor, table)
        quoted_table = schema_editor.quote_name(table)
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {quoted_table}", None)
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()", None)

    def is_installed(self, connection: BaseDatabaseWrapper, table: str) -> bool:
        """Tell whether the trigger is there, and switched on."""
        quoted_table = connection.ops.quote_name(table)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT to_regclass(%s) IS NULL OR EXISTS (SELECT 1 FROM pg_trigger WHERE "
                "tgrelid = to_regclass(%s) AND tgname = %s AND tgenabled <> 'D')",
                [quoted_table, quoted_table, self._name(table)],
            )
            return bool(cursor.fetchone()[0])

    def _quoted_name(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> str:
        return schema_editor.quote_name(self._name(table))

    def _name(self, table: str) -> str:
        return truncate_name(f"{table}_commit_order", 63)


class CounterRow(CommitOrder):
    """Orders commits on MySQL and MariaDB by a counter that ids are drawn from."""

    def before_insert(
        self, connection: BaseDatabaseWrapper, records: Sequence[AbstractStoredEvent]
    ) -> None:
        """Draw ids for the records that have none; the counter stays locked until the end."""
        model = type(records[0])
        without_id = [record for record in records if record.pk is None]
        last = self._draw(connection, model, len(without_id))
        for id_, record in enumerate(without_id, start=last - len(without_id) + 1):
            record.pk = id_

    def _draw(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent], count: int
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
        if highest is not None and last - count < highest:
            # Events have come from elsewhere (a fixture, a dump): go on above them.
            last = highest + count
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


class SingleWriter(CommitOrder):
    """Leaves the order of commits to SQLite, which has one writer at a time."""

    def before_insert(
        self, connection: BaseDatabaseWrapper, records: Sequence[AbstractStoredEvent]
    ) -> None:
        """Do nothing: the insert makes the transaction the only writer, if it is not already."""


_ORDERS: dict[str, CommitOrder] = {
    "postgresql": AdvisoryLock(),
    "mysql": CounterRow(),
    "sqlite": SingleWriter(),
}


def get_commit_order(connection: BaseDatabaseWrapper) -> CommitOrder:
    """Return the commit order of the connection's database."""
    try:
        return _ORDERS[connection.vendor]
    except KeyError as error:
        raise NotSupportedError(
            f"Database {connection.alias!r} is {connection.display_name}, whose commits cannot be "
            f"kept in order. Use SQLite, PostgreSQL, MySQL or MariaDB."
        ) from error
