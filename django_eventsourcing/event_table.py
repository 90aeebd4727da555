"""Event tables on PostgreSQL: what the server tells a reader of ids, and of those who draw them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connections
from django.db.models import Func, TextField, Value

from django_eventsourcing.compounds import takes_compounds
from django_eventsourcing.ordering import AdvisoryLock

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent
    from django_eventsourcing.recorders.prepared import BoundQuery

__all__ = ["EventTable", "Holders", "Ids", "Session"]

_PAGE = 1000
"""How many ids are looked at for a gap; a log that is longer is passed by its head at once."""


class Session(Func):
    """
    What a statement tells of where it was run: server and table, and what can be seen there.

    A table's name may stand for another table in another schema, or later; its file is another
    one when it has been emptied.
    """

    template = (
        "(SELECT concat_ws(' ', concat_ws('/', extract(epoch FROM pg_postmaster_start_time()), "
        "pg_class.oid, pg_relation_filenode(pg_class.oid)), pg_is_in_recovery(), "
        "current_setting('transaction_isolation')) "
        "FROM pg_class WHERE pg_class.oid = %(expressions)s::regclass)"
    )
    output_field = TextField()
    arity = 1

    def __init__(self, quoted_table: str) -> None:
        super().__init__(Value(quoted_table))


class Ids(NamedTuple):
    """What one statement has seen of a table."""

    session: str
    is_writing: bool
    """Whether it was run in a transaction that has written: it may see what is not committed."""
    head: int
    """The highest id; 0 if there is none."""
    found: Sequence[int]
    """The first ids after the one asked for, in order."""
    rows: list[tuple[Any, ...]] | None = None
    """What the query that was given has found after that; ``None`` if it was not made."""


class Holders(NamedTuple):
    """The transactions that hold the lock of a table, by their virtual ids."""

    all: frozenset[str]
    prepared: frozenset[str]
    own: frozenset[str]
    """The asker's own transaction, if it is among them."""


class EventTable:
    """The table of a model in a database, asked in the calling thread's connection."""

    def __init__(self, alias: str, model: type[AbstractStoredEvent]) -> None:
        self._alias = alias
        self._model = model

    @property
    def key(self) -> tuple[str, ...]:
        """What tells the table from all others, as long as the server is the same."""
        values = connections[self._alias].settings_dict
        where = (str(values[name]) for name in ("NAME", "HOST", "PORT"))
        return (self._alias, *where, self._model._meta.db_table)

    @property
    def quoted_name(self) -> str:
        """The table's name as SQL has it."""
        return str(connections[self._alias].ops.quote_name(self._model._meta.db_table))

    def ids(self, after: int, query: BoundQuery | None = None) -> Ids:
        """
        Return the ids after one, and the highest, as one statement sees them.

        A query is made by a statement of its own that comes next, where that takes no round trip.
        """
        connection = connections[self._alias]
        table = self.quoted_name
        column = connection.ops.quote_name(str(self._model._meta.pk.column))
        sql = (
            f"SELECT {Session.template % {'expressions': '%s'}}, "  # noqa: S608
            "pg_current_xact_id_if_assigned() IS NOT NULL, "
            f"(SELECT COALESCE(max({column}), 0) FROM {table}), "
            f"ARRAY(SELECT {column} FROM {table} WHERE {column} > %s "
            f"ORDER BY {column} LIMIT {_PAGE})"
        )
        with connection.cursor() as cursor:
            if query is None or not takes_compounds(connection):
                cursor.execute(sql, [table, after])
                return Ids(*cursor.fetchone())
            cursor.execute(f"{sql}; {query.sql}", [table, after, *query.params])
            ids = Ids(*cursor.fetchone())
            cursor.nextset()
            return ids._replace(rows=query.converted(cursor.fetchall()))

    def holders(self) -> Holders:
        """Return who holds the lock of the table at this moment."""
        connection = connections[self._alias]
        table = self.quoted_name
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT virtualtransaction, pid IS NULL, pid = pg_backend_pid() FROM pg_locks "
                "WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database()) "
                "AND classid = %s AND objid = %s::regclass::oid",
                [AdvisoryLock.namespace, table],
            )
            found = cursor.fetchall()
        return Holders(
            all=frozenset(name for name, _, _ in found),
            prepared=frozenset(name for name, is_prepared, _ in found if is_prepared),
            own=frozenset(name for name, _, is_own in found if is_own),
        )
