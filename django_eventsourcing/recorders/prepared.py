"""Prepared statements: compiled by the ORM once, and run with other values each time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from django.db import connections
from django.db.models import Field, Model, QuerySet
from django.db.models.manager import BaseManager
from django.db.models.sql import UpdateQuery

__all__ = ["BoundQuery", "PreparedQuery", "PreparedStatements", "PreparedUpdate"]

Converter = Callable[[Any, Any, Any], Any]
Places: TypeAlias = "Sequence[tuple[Field[Any, Any], object]]"
_Statement = TypeVar("_Statement")


_MOST = 100


class PreparedStatements:
    """
    The prepared statements of a recorder, by what tells one from another.

    A manager of the model that says for itself what rows there are may say otherwise the next
    time: then none is kept.
    """

    def __init__(self, model: type[Model]) -> None:
        self._found: dict[Hashable, Any] = {}
        manager: Any = type(model._default_manager)
        self._are_kept = manager.get_queryset is BaseManager.get_queryset

    def get(self, key: Hashable, prepare: Callable[[], _Statement]) -> _Statement:
        """Return the statement of this key, prepared when it is first asked for."""
        if not self._are_kept:
            return prepare()
        found: _Statement | None = self._found.get(key)
        if found is None:
            if len(self._found) >= _MOST:
                self._found.clear()
            found = self._found[key] = prepare()
        return found


class _Prepared:
    """
    A statement of which a few parameters are other ones each time.

    To build and to compile it takes the ORM longer than most databases take to answer. ``places``
    has, for each parameter that changes, the field that it belongs to, and the value that stands
    for it: one that nothing else in the statement has.
    """

    def __init__(self, compiler: Any, alias: str, places: Places) -> None:
        connection = connections[alias]
        sql, params = compiler.as_sql()
        self._alias = alias
        self._sql = str(sql)
        self._params = list(params)
        self._places: list[tuple[Field[Any, Any], list[int]]] = []
        for field, stand_in in places:
            prepared = _prepared(field, stand_in, connection)
            found = [n for n, param in enumerate(self._params) if param == prepared]
            self._places.append((field, found))

    def _params_with(self, values: Sequence[object]) -> list[Any]:
        params = self._params.copy()
        for (field, positions), value in zip(self._places, values, strict=True):
            prepared = _prepared(field, value, connections[self._alias])
            for position in positions:
                params[position] = prepared
        return params


class PreparedUpdate(_Prepared):
    """An ``update()`` of the rows of a queryset."""

    def __init__(
        self, queryset: QuerySet[Any, Any], alias: str, places: Places, **values: object
    ) -> None:
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values(values)
        super().__init__(query.get_compiler(connection=connections[alias]), alias, places)

    def __call__(self, *values: object) -> int:
        """Update the rows with these values of what changes; return how many there were."""
        with connections[self._alias].cursor() as cursor:
            cursor.execute(self._sql, self._params_with(values))
            return int(cursor.rowcount)


class BoundQuery(NamedTuple):
    """A query with its parameters, and what makes of its rows those that the ORM has."""

    sql: str
    params: Sequence[Any]
    converted: Callable[[Iterable[tuple[Any, ...]]], list[tuple[Any, ...]]]


class PreparedQuery(_Prepared):
    """A query of ``values_list()``."""

    def __init__(self, queryset: QuerySet[Any, Any], alias: str, places: Places) -> None:
        compiler: Any = queryset.query.get_compiler(connection=connections[alias])
        super().__init__(compiler, alias, places)
        columns = [column for column, *_ in compiler.select]
        self._converters: list[tuple[int, Sequence[Converter], Any]] = [
            (position, converters, expression)
            for position, (converters, expression) in compiler.get_converters(columns).items()
        ]

    def rows(self, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows for these values of what changes."""
        with connections[self._alias].cursor() as cursor:
            cursor.execute(self._sql, self._params_with(values))
            return self.converted(cursor.fetchall())

    def bound(self, *values: object) -> BoundQuery:
        """Return the query with these values, to be made with others at once."""
        return BoundQuery(self._sql, self._params_with(values), self.converted)

    def converted(self, found: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return the rows as the ORM has them."""
        connection, rows = connections[self._alias], list(found)
        for position, converters, expression in self._converters:
            # Many rows have the same values, such as the id of an aggregate.
            known: dict[Any, Any] = {}
            for number, row in enumerate(rows):
                value = row[position]
                if value not in known:
                    found = value
                    for convert in converters:
                        found = convert(found, expression, connection)
                    known[value] = found
                rows[number] = (*row[:position], known[value], *row[position + 1 :])
        return rows


def _prepared(field: Field[Any, Any], value: object, connection: Any) -> Any:
    """Return a value in the form in which a condition has it."""
    return field.get_db_prep_value(field.get_prep_value(value), connection, prepared=True)
