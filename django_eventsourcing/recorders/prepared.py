"""Prepared queries: compiled by the ORM once, and asked with other values each time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from django.db import connections
from django.db.models import Field, QuerySet

__all__ = ["PreparedQueries", "PreparedQuery"]

Converter = Callable[[Any, Any, Any], Any]


_MOST_QUERIES = 100


class PreparedQueries:
    """The prepared queries of a recorder, by what tells one from another."""

    def __init__(self) -> None:
        self._found: dict[Hashable, PreparedQuery] = {}

    def get(self, key: Hashable, prepare: Callable[[], PreparedQuery]) -> PreparedQuery:
        """Return the query of this key, prepared when it is first asked for."""
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _MOST_QUERIES:
                self._found.clear()
            found = self._found[key] = prepare()
        return found


class PreparedQuery:
    """
    A query of ``values_list()``, of which a few parameters are other ones each time.

    To build and to compile it takes the ORM longer than most databases take to answer. ``places``
    has, for each parameter that changes, the field that it is compared with, and the value that
    stands for it in the queryset: one that nothing else in the query has.
    """

    def __init__(
        self,
        queryset: QuerySet[Any, Any],
        alias: str,
        places: Sequence[tuple[Field[Any, Any], object]],
    ) -> None:
        connection = connections[alias]
        compiler: Any = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        self._alias = alias
        self._sql = str(sql)
        self._params = list(params)
        self._places: list[tuple[Field[Any, Any], list[int]]] = []
        for field, stand_in in places:
            prepared = _prepared(field, stand_in, connection)
            found = [n for n, param in enumerate(self._params) if param == prepared]
            self._places.append((field, found))
        columns = [column for column, *_ in compiler.select]
        self._converters: list[tuple[int, Sequence[Converter], Any]] = [
            (position, converters, expression)
            for position, (converters, expression) in compiler.get_converters(columns).items()
        ]

    def rows(self, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows for these values of the parameters that change."""
        connection = connections[self._alias]
        params = self._params.copy()
        for (field, positions), value in zip(self._places, values, strict=True):
            prepared = _prepared(field, value, connection)
            for position in positions:
                params[position] = prepared
        with connection.cursor() as cursor:
            cursor.execute(self._sql, params)
            rows = list(cursor.fetchall())
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
