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
    connection pooler, and a rollback gives it back. An id that is given rather than drawn takes
    the sequence along, in the same lock. All this supposes a sequence that hands out one id at a
    time, and that is not behind the events: ``faults()`` tells of one that is otherwise.

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
from django.db.backends.utils import split_identifier, truncate_name
from django.db.models import F, Subquery

from django_eventsourcing.problems import Problem

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

    def faults(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]
    ) -> list[Problem]:
        """Return what keeps the model's table out of order; one that is not there has no faults."""
        return []


class AdvisoryLock(CommitOrder):
    """Orders commits on PostgreSQL by a lock that each writer takes before ids are drawn."""

    namespace = 0x45564E54
    """The first half of the lock's key, the same for all event tables; the second is the OID."""

    def before_insert(
        self, connection: BaseDatabaseWrapper, records: Sequence[AbstractStoredEvent]
    ) -> None:
        """Take the lock, until the end of the transaction; ids that are given move the sequence."""
        opts = records[0]._meta
        table = connection.ops.quote_name(opts.db_table)
        highest = _highest_id(records)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT pg_advisory_xact_lock({self.namespace}, %s::regclass::oid::int4)", [table]
            )
            if highest is not None:
                cursor.execute(
                    "SELECT setval(sequence, %s) FROM "
                    "(SELECT pg_get_serial_sequence(%s, %s)::regclass AS sequence) AS found "
                    "WHERE COALESCE(pg_sequence_last_value(sequence), 0) < %s",
                    [highest, table, opts.pk.column, highest],
                )

    def install(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Create the trigger that takes the lock for inserts of any origin."""
        trigger, function = self._quoted_names(schema_editor, table)
        quoted_table = schema_editor.quote_name(table)
        schema_editor.execute(
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"PERFORM {self._locking}; RETURN NULL; "
            f"END $$",
            None,
        )
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {quoted_table}", None)
        schema_editor.execute(
            f"CREATE TRIGGER {trigger} BEFORE INSERT ON {quoted_table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
            None,
        )

    def uninstall(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Drop the trigger, and its function unless a table that was renamed still uses it."""
        trigger, function = self._quoted_names(schema_editor, table)
        quoted_table = schema_editor.quote_name(table)
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {quoted_table}", None)
        schema_editor.execute(
            f"DO $$ BEGIN DROP FUNCTION IF EXISTS {function}(); "
            f"EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END $$",
            None,
        )

    def faults(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]
    ) -> list[Problem]:
        """Return what is wrong with the trigger, and with the sequence that ids are drawn from."""
        table = connection.ops.quote_name(model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [table])
            if cursor.fetchone()[0] is None:
                return []
            # By what it does: the table may have another name than when the trigger was made.
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
                "WHERE tgrelid = %s::regclass AND tgenabled IN ('O', 'A') "
                "AND position(%s IN prosrc) > 0)",
                [table, self._locking],
            )
            faults = [] if cursor.fetchone()[0] else [_no_trigger(connection, model)]
            _, column = model._meta.pk.get_attname_column()
            cursor.execute(
                "SELECT sequence::text, seqcache, pg_sequence_last_value(sequence), "  # noqa: S608
                f"(SELECT max({connection.ops.quote_name(str(column))}) FROM {table}) "
                "FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS sequence) AS found "
                "JOIN pg_sequence ON seqrelid = sequence",
                [table, column],
            )
            for sequence, cache_size, last, highest in cursor.fetchall():
                of = f"The sequence {sequence} of {_described(connection, model)}"
                if cache_size > 1:
                    faults.append(_cached(of, sequence, cache_size))
                if highest is not None and (last or 0) < highest:
                    faults.append(_behind(of, sequence, last or 0, highest))
        return faults

    @property
    def _locking(self) -> str:
        """The call by which the trigger takes the lock, and by which it is known."""
        return f"pg_advisory_xact_lock({self.namespace}, TG_RELID::int4)"

    def _quoted_names(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> tuple[str, str]:
        """Return the names of trigger and function, which is in the schema that the table names."""
        schema, name = split_identifier(table)
        trigger = schema_editor.quote_name(truncate_name(f"{name}_commit_order", 63))
        return trigger, f"{schema_editor.quote_name(schema)}.{trigger}" if schema else trigger


class CounterRow(CommitOrder):
    """Orders commits on MySQL and MariaDB by a counter that ids are drawn from."""

    def before_insert(
        self, connection: BaseDatabaseWrapper, records: Sequence[AbstractStoredEvent]
    ) -> None:
        """Draw ids for the records that have none; the counter stays locked until the end."""
        model = type(records[0])
        without_id = [record for record in records if record.pk is None]
        last = self._draw(connection, model, len(without_id), above=_highest_id(records))
        for id_, record in enumerate(without_id, start=last - len(without_id) + 1):
            record.pk = id_

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


def _highest_id(records: Sequence[AbstractStoredEvent]) -> int | None:
    """Return the highest of the ids that are given; ``None`` if all are to be drawn."""
    return max((int(record.pk) for record in records if record.pk is not None), default=None)


def _described(connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]) -> str:
    return f"{model._meta.label} in the database {connection.alias!r}"


def _no_trigger(connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]) -> Problem:
    opts = model._meta
    return Problem(
        id="W002",
        message=f"The table of {_described(connection, model)} has no trigger that keeps "
        "events in commit order: followers may skip events that are not inserted by Django's ORM.",
        hint=f"Add AddCommitOrder({opts.object_name!r}), of django_eventsourcing.operations, to a "
        f"migration of {opts.app_label!r}, and migrate the database.",
    )


def _cached(of: str, sequence: str, cache_size: int) -> Problem:
    return Problem(
        id="E014",
        message=f"{of} has CACHE {cache_size}: connections draw ids ahead of their turn, and "
        "followers skip events for ever.",
        hint=f"Run 'ALTER SEQUENCE {sequence} CACHE 1', then restart whatever records events: open "
        "connections keep the ids that they have drawn.",
    )


def _behind(of: str, sequence: str, last: int, highest: int) -> Problem:
    return Problem(
        id="E014",
        message=f"{of} is at {last}, and there is an event with the id {highest}: followers skip "
        "the events that get lower ids from now on.",
        hint=f"Run \"SELECT setval('{sequence}', {highest})\" while nothing records events.",
    )
