"""At once: many small questions to one database, asked in one statement."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, IntegerField, JSONField, QuerySet, Subquery, Value
from django.db.models.expressions import BaseExpression
from django.db.models.functions import JSONArray
from django.db.models.sql import Query

from django_eventsourcing.reading import ReadTooLongError, separate_look

__all__ = ["Counted", "Gathered", "let_gather", "read_at_once", "read_each"]

_Key = TypeVar("_Key")

_LONGEST = 64 * 2**20
"""Bytes of an answer; for 1,000 followers and an hour, 10 MB are needed."""
_GATHERING = "_django_eventsourcing_gathering"
"""The attribute of a connection by which it is known for which one of the driver's that is set."""
_MOST_COLUMNS = 500
"""Questions of one statement; SQLite, for one, has no more than 2,000 columns."""


class Counted(Subquery):
    """
    How many rows a query finds, of which no more than ``limit`` are read; ``None`` for none.

    Many such counts can be columns of one statement.
    """

    # The rows are read from an index, up to the limit, and stay in the database.
    template = "(SELECT SUM(found.one) FROM (%(subquery)s) found)"

    def __init__(self, rows: QuerySet[Any], limit: int) -> None:
        ones: Any = rows.order_by().query.chain()
        # Whatever the fields of the model are called, there may be one of this name.
        ones.clear_select_clause()
        ones.add_annotation(Value(1), "one")
        ones.set_limits(high=limit)
        super().__init__(ones, output_field=IntegerField())


class Gathered(Subquery):
    """
    The rows that a query finds, as one answer: a list with a list of values for each row.

    Values are as JSON has them, and times are text. No rows are an empty list, or ``None``. Before
    it is asked, ``let_gather()`` is to be called.
    """

    def __init__(self, rows: QuerySet[Any], *fields: str) -> None:
        lists: Any = rows.order_by().query.chain()
        lists.clear_select_clause()
        lists.add_annotation(_Listed(JSONArray(*fields)), "one")
        super().__init__(lists, output_field=JSONField())


class _Listed(Func):
    """All rows' values in a list; no aggregate of Django's, which would group the rows."""

    function = "JSON_ARRAYAGG"
    output_field = JSONField()

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, function="JSONB_AGG", **context)

    def as_sqlite(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, function="JSON_GROUP_ARRAY", **context)


def let_gather(alias: str) -> None:
    """Let the connection gather many rows: MariaDB cuts longer answers without a word."""
    connection: Any = connections[alias]
    if connection.vendor != "mysql":
        return
    connection.ensure_connection()
    if getattr(connection, _GATHERING, None) is connection.connection:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SET SESSION group_concat_max_len = GREATEST(@@group_concat_max_len, %s)", [_LONGEST]
        )
    setattr(connection, _GATHERING, connection.connection)


def read_at_once(alias: str, questions: Mapping[_Key, BaseExpression]) -> dict[_Key, Any]:
    """Return the answers to the questions, which are expressions that need no table."""
    answers: dict[_Key, Any] = {}
    every = list(questions)
    for start in range(0, len(every), _MOST_COLUMNS):
        keys = every[start : start + _MOST_COLUMNS]
        rows = _rows(alias, [questions[key] for key in keys])
        answers |= zip(keys, next(rows), strict=True)
    return answers


def read_each(
    alias: str, questions: Mapping[_Key, BaseExpression]
) -> dict[_Key, Any | DatabaseError]:
    """
    Return the answers, or why some cannot be had, by one statement unless there are such.

    Raise ``DatabaseError`` if the database itself cannot be asked, or takes too long.
    """
    try:
        with separate_look(alias):
            return read_at_once(alias, questions)
    except ReadTooLongError:
        raise
    except DatabaseError:
        with separate_look(alias):
            read_at_once(alias, {"": Value(1)})
    return {key: _answer(alias, question) for key, question in questions.items()}


def _answer(alias: str, question: BaseExpression) -> Any | DatabaseError:
    try:
        with separate_look(alias):
            [found] = read_at_once(alias, {"": question}).values()
    except DatabaseError as error:
        return error
    return found


def _rows(alias: str, columns: list[BaseExpression]) -> Iterator[tuple[Any, ...]]:
    query: Any = Query(None)
    for number, column in enumerate(columns):
        query.add_annotation(column, f"answer_{number}")
    rows: Iterator[tuple[Any, ...]] = query.get_compiler(using=alias).results_iter()
    return rows
