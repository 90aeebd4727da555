"""Inserts: the statement that records events, written once for each table and number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from django_eventsourcing.compounds import select_at_once, select_guarded, takes_compounds
from django_eventsourcing.fields import ExactCharField
from django_eventsourcing.metadata import Metadata
from django_eventsourcing.models import AbstractStoredEvent
from django_eventsourcing.ordering import get_commit_order
from django_eventsourcing.querysets import StoredEventQuerySet
from eventsourcing.persistence.records import StoredEvent

__all__ = ["EventInsert"]

# What is the same for all events that are recorded at once, and what differs.
_Kinds = dict[str, tuple[type[Any], ...]]
_OF_ALL: _Kinds = {"application_name": (ExactCharField,), "recorded_at": (models.DateTimeField,)}
_OF_EACH: _Kinds = {
    "originator_id": (models.UUIDField, models.CharField, ExactCharField),
    "originator_version": (models.BigIntegerField,),
    "topic": (ExactCharField,),
    "state": (models.BinaryField,),
    "metadata": (models.JSONField,),
}
# Options of a field by which it has values that nobody has given.
_FILLING = ("auto_now", "auto_now_add", "db_default", "default")
_MOST = 500


class EventInsert:
    """
    Inserts events as ``bulk_create()`` does, which takes longer to write the statement.

    It is for tables that have the columns of ``AbstractStoredEvent`` and no others.
    """

    def __init__(self, alias: str, model: type[AbstractStoredEvent]) -> None:
        connection = connections[alias]
        self._alias = alias
        self._model = model
        self._order = get_commit_order(connection)
        self._fields: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields}
        self._statements: dict[tuple[int, bool], str] = {}
        self._none = self._fields["metadata"].get_db_prep_save({}, connection)
        most: int | None = connection.features.max_query_params
        self._most = min(_MOST, (most or 2**16) // len(_OF_EACH) - len(_OF_ALL))

    @classmethod
    def for_table(cls, alias: str, model: type[AbstractStoredEvent]) -> EventInsert | None:
        """Return the insert; ``None`` where it is to be left to the ORM."""
        connection = connections[alias]
        tells_ids = connection.features.can_return_rows_from_bulk_insert
        is_told = tells_ids or get_commit_order(connection).draws_ids
        return cls(alias, model) if is_told and _is_plain(model) else None

    def is_atomic(self, events: Sequence[StoredEvent]) -> bool:
        """
        Tell whether they are recorded all or none without a transaction or savepoint around it.

        Within a transaction, ``is_guarded`` is to be given then.
        """
        connection = connections[self._alias]
        if self._order.locks_first(connection, self._model) or len(events) > self._most:
            return False
        return not connection.in_atomic_block or takes_compounds(connection)

    def __call__(
        self,
        application_name: str,
        events: Sequence[StoredEvent],
        metadata: Sequence[Metadata],
        *,
        is_guarded: bool = False,
    ) -> list[int]:
        """Insert the events, each with its metadata, and return their ids."""
        ids: list[int] = []
        for start in range(0, len(events), self._most):
            part = slice(start, start + self._most)
            ids += self._insert(application_name, events[part], metadata[part], is_guarded)
        return ids

    def _insert(
        self,
        application_name: str,
        events: Sequence[StoredEvent],
        metadata: Sequence[Metadata],
        is_guarded: bool,
    ) -> Sequence[int]:
        connection = connections[self._alias]
        time = self._fields["recorded_at"]
        shared = (application_name, time.get_db_prep_save(time.get_default(), connection))
        key_of = self._fields["originator_id"].get_db_prep_save
        json_of = self._fields["metadata"].get_db_prep_save
        keys: dict[UUID | str, Any] = {}
        known, known_as = None, None
        rows: list[tuple[Any, ...]] = []
        for event, found in zip(events, metadata, strict=True):
            id_ = event.originator_id
            key = keys.get(id_)
            if key is None:
                key = keys[id_] = key_of(id_, connection)
            # Often it is the same as that of the event before, or there is none.
            if found is not known:
                known, known_as = found, json_of(found, connection) if found else self._none
            rows.append((key, event.originator_version, event.topic, event.state, known_as))
        ids = self._order.drawn_ids(connection, self._model, len(rows))
        if ids is not None:
            params = [v for id_, row in zip(ids, rows, strict=True) for v in (id_, *shared, *row)]
        else:
            params = [*shared, *(value for row in rows for value in row)]
        if ids is None and takes_compounds(connection):
            statements = [self._lock, self._statement(connection, len(rows), is_locked=True)]
            select = select_guarded if is_guarded else select_at_once
            return [id_ for (id_,) in select(self._alias, statements, params)]
        with connection.cursor() as cursor:
            cursor.execute(self._statement(connection, len(rows)), params)
            return [id_ for (id_,) in cursor.fetchall()] if ids is None else ids

    @cached_property
    def _lock(self) -> str:
        """The statement that is made before ids are drawn; empty if none is."""
        return self._order.locking(connections[self._alias], self._model)

    def _statement(
        self, connection: BaseDatabaseWrapper, rows: int, *, is_locked: bool = False
    ) -> str:
        key = rows, is_locked
        found = self._statements.get(key)
        if found is None:
            if self._order.draws_ids:
                found = self._with_drawn_ids(connection, rows)
            elif is_locked and rows == 1:
                found = self._of_one(connection)
            else:
                found = self._with_ids_to_draw(connection, rows, "" if is_locked else self._lock)
            self._statements[key] = found
        return found

    def _with_drawn_ids(self, connection: BaseDatabaseWrapper, rows: int) -> str:
        names = [self._model._meta.pk.name, *_OF_ALL, *_OF_EACH]
        row = f"({', '.join(['%s'] * len(names))})"
        return f"INSERT INTO {self._into(connection, names)} VALUES {', '.join([row] * rows)}"  # noqa: S608

    def _of_one(self, connection: BaseDatabaseWrapper) -> str:
        """Return the statement that is planned soonest."""
        names = [*_OF_ALL, *_OF_EACH]
        return (
            f"INSERT INTO {self._into(connection, names)} "  # noqa: S608
            f"VALUES ({', '.join(['%s'] * len(names))}) RETURNING {self._id(connection)}"
        )

    def _with_ids_to_draw(self, connection: BaseDatabaseWrapper, rows: int, locked: str) -> str:
        """Return a statement in which what is the same for all rows is given once."""
        row = f"({', '.join(['%s'] * len(_OF_EACH))})"
        # The names that PostgreSQL and SQLite give to columns of VALUES.
        columns = ", ".join(f"each.column{number}" for number in range(1, len(_OF_EACH) + 1))
        return (
            f"INSERT INTO {self._into(connection, [*_OF_ALL, *_OF_EACH])} "  # noqa: S608
            f"{f'WITH locked AS MATERIALIZED ({locked}) ' if locked else ''}"
            f"SELECT {', '.join(['%s'] * len(_OF_ALL))}, {columns} "
            f"FROM {'locked, ' if locked else ''}(VALUES {', '.join([row] * rows)}) AS each "
            f"RETURNING {self._id(connection)}"
        )

    def _id(self, connection: BaseDatabaseWrapper) -> str:
        return connection.ops.quote_name(str(self._model._meta.pk.column))

    def _into(self, connection: BaseDatabaseWrapper, names: Sequence[str]) -> str:
        quote = connection.ops.quote_name
        columns = ", ".join(quote(str(self._fields[name].column)) for name in names)
        return f"{quote(self._model._meta.db_table)} ({columns})"


def _is_plain(model: type[AbstractStoredEvent]) -> bool:
    """Tell whether the model is as the abstract one, whatever its table and columns are called."""
    fields = {field.name: field for field in model._meta.concrete_fields}
    fields.pop(model._meta.pk.name)
    expected = {**_OF_ALL, **_OF_EACH}
    manager: Any = model._default_manager
    return (
        fields.keys() == expected.keys()
        and all(type(fields[name]) in kinds for name, kinds in expected.items())
        and all(_filling(fields[name]) == _filling_of_abstract(name) for name in expected)
        and model.__init__ is models.Model.__init__
        and manager.get_queryset().bulk_create.__func__ is StoredEventQuerySet.bulk_create
    )


def _filling(field: Any) -> dict[str, Any]:
    """Return the options by which a field has values that nobody has given."""
    *_, options = field.deconstruct()
    return {name: options[name] for name in _FILLING if name in options}


def _filling_of_abstract(name: str) -> dict[str, Any]:
    return _filling(AbstractStoredEvent._meta.get_field(name))
