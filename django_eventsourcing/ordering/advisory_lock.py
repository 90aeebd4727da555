"""
The commit order of PostgreSQL: a lock that writers share, and that readers ask about.

A writer takes an advisory lock, one for each event table, *before* its ids are drawn from the
sequence, and holds it until the end of its transaction. The lock is shared: writers never wait for
each other. PostgreSQL makes a commit visible before it releases the locks of the transaction. So an
id that is missing below a visible one belongs to a transaction that holds the lock now, or it will
never come: that is what ``django_eventsourcing.watermark`` tells readers by.

A trigger takes the same lock for inserts of any other origin (``COPY``, plain SQL): a trigger
*before* the statement runs before the statement's ids are drawn. The lock belongs to the
transaction, never to the session, so it is safe behind a connection pooler, and a rollback gives
it back.

Two kinds of writers take the lock exclusively, and so wait for all others and hold them up: one
that gives an id rather than drawing it, because the sequence has to be taken along while nobody
draws; and the applications of a system whose ``COMMIT_ORDER`` is ``"exclusive"``. Two transactions
that share the lock and then give ids wait for each other: the server ends one of them, by a
``GivenIdsDeadlockError``.

All this supposes a sequence that hands out one id at a time and is not behind the events, a server
that writers write to rather than a replica of it, and readers at READ COMMITTED. ``faults()`` tells
of what is otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import split_identifier, truncate_name

from django_eventsourcing.ordering import faults
from django_eventsourcing.ordering.base import CommitOrder, highest_id
from django_eventsourcing.ordering.errors import GivenIdsDeadlockError
from django_eventsourcing.ordering.exclusive import is_exclusive
from django_eventsourcing.ordering.faults import FRESH_LEVELS
from django_eventsourcing.problems import Problem

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent

__all__ = ["AdvisoryLock"]


class AdvisoryLock(CommitOrder):
    """Marks the transactions that have drawn ids on PostgreSQL by a lock that they share."""

    namespace = 0x45564E54
    """The first half of the lock's key, the same for all event tables; the second is the OID."""
    needs_watermark = True

    def before_insert(
        self, connection: BaseDatabaseWrapper, records: Sequence[AbstractStoredEvent]
    ) -> None:
        """Take the lock, until the end of the transaction; ids that are given move the sequence."""
        opts = records[0]._meta
        table = connection.ops.quote_name(opts.db_table)
        highest = highest_id(records)
        alone = highest is not None or is_exclusive(connection.alias, type(records[0]))
        lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        with connection.cursor() as cursor:
            try:
                cursor.execute(f"SELECT {lock}({self.namespace}, %s::regclass::oid::int4)", [table])
            except OperationalError as error:
                if highest is not None and _is_deadlock(error):
                    raise GivenIdsDeadlockError.of(
                        connection.alias, opts.db_table, highest
                    ) from error
                raise
            if highest is not None:
                cursor.execute(
                    "SELECT setval(sequence, %s) FROM "
                    "(SELECT pg_get_serial_sequence(%s, %s)::regclass AS sequence) AS found "
                    "WHERE COALESCE(pg_sequence_last_value(sequence), 0) < %s",
                    [highest, table, opts.pk.column, highest],
                )

    def locks_first(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]
    ) -> bool:
        """
        Tell whether the lock is taken alone.

        In the insert, it would come after the trigger, which shares it: of two writers that share
        it, none can have it alone.
        """
        return is_exclusive(connection.alias, model)

    def drawn_ids(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent], count: int
    ) -> None:
        """Take the lock where it is taken alone; the insert draws the ids."""
        if self.locks_first(connection, model):
            self.exclude_writers(connection, model)

    def locking(self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]) -> str:
        """
        Return the SELECT that shares the lock.

        As part of the insert, it saves a round trip. What an insert reads from is read before the
        defaults of a row are filled in, of which the id is one.
        """
        table = connection.ops.quote_name(model._meta.db_table).replace("'", "''")
        # A sign of percent would be taken for a parameter.
        name = table.replace("%", "%%")
        return (
            f"SELECT pg_advisory_xact_lock_shared({self.namespace}, '{name}'::regclass::oid::int4)"
        )

    def exclude_writers(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]
    ) -> None:
        """Take the lock that writers share, alone."""
        table = connection.ops.quote_name(model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT pg_advisory_xact_lock({self.namespace}, %s::regclass::oid::int4)", [table]
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
        """Return what is wrong with the server, with the trigger, and with the sequence of ids."""
        table = connection.ops.quote_name(model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [table])
            if cursor.fetchone()[0] is None:
                return []
        return [
            *self._faults_of_the_server(connection),
            *self._faults_of_the_trigger(connection, model, table),
            *self._faults_of_the_sequence(connection, model, table),
        ]

    def _faults_of_the_server(self, connection: BaseDatabaseWrapper) -> Iterator[Problem]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_is_in_recovery(), current_setting('default_transaction_isolation')"
            )
            is_replica, isolation = cursor.fetchone()
        if is_replica:
            yield faults.replica(connection)
        if isolation not in FRESH_LEVELS:
            yield faults.isolated(connection.alias, isolation)

    def _faults_of_the_trigger(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent], table: str
    ) -> Iterator[Problem]:
        # By what they do: the table may have another name than when the trigger was made.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT position(%s IN prosrc) > 0, position(%s IN prosrc) > 0 "
                "FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
                "WHERE tgrelid = %s::regclass AND tgenabled IN ('O', 'A')",
                [self._locking, self._locking_out, table],
            )
            triggers = cursor.fetchall()
        if not any(is_sharing for is_sharing, _ in triggers):
            yield faults.no_trigger(connection, model)
        if any(locks_out for _, locks_out in triggers):
            yield faults.exclusive_trigger(connection, model)

    def _faults_of_the_sequence(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent], table: str
    ) -> Iterator[Problem]:
        _, column = model._meta.pk.get_attname_column()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sequence::text, seqcache, pg_sequence_last_value(sequence), "  # noqa: S608
                f"(SELECT max({connection.ops.quote_name(str(column))}) FROM {table}) "
                "FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS sequence) AS found "
                "JOIN pg_sequence ON seqrelid = sequence",
                [table, column],
            )
            sequences = cursor.fetchall()
        for sequence, cache_size, last, highest in sequences:
            of = faults.sequence_of(connection, model, sequence)
            if cache_size > 1:
                yield faults.cached(of, sequence, cache_size)
            if highest is not None and (last or 0) < highest:
                yield faults.behind(of, sequence, last or 0, highest)

    @property
    def _locking(self) -> str:
        """The call by which the trigger takes the lock, and by which it is known."""
        return f"pg_advisory_xact_lock_shared({self.namespace}, TG_RELID::int4)"

    @property
    def _locking_out(self) -> str:
        """The call of a trigger that would make writers wait for each other."""
        return f"pg_advisory_xact_lock({self.namespace}, TG_RELID::int4)"

    def _quoted_names(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> tuple[str, str]:
        """Return the names of trigger and function, which is in the schema that the table names."""
        schema, name = split_identifier(table)
        trigger = schema_editor.quote_name(truncate_name(f"{name}_commit_order", 63))
        return trigger, f"{schema_editor.quote_name(schema)}.{trigger}" if schema else trigger


def _is_deadlock(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == "40P01"
