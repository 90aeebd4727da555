"""At once: many small questions to one database, asked in one statement."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from django.db.models import IntegerField, QuerySet, Subquery, Value
from django.db.models.expressions import BaseExpression
from django.db.models.sql import Query

__all__ = ["Counted", "read_at_once"]

_Key = TypeVar("_Key")

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


def read_at_once(alias: str, questions: Mapping[_Key, BaseExpression]) -> dict[_Key, Any]:
    """Return the answers to the questions, which are expressions that need no table."""
    answers: dict[_Key, Any] = {}
    every = list(questions)
    for start in range(0, len(every), _MOST_COLUMNS):
        keys = every[start : start + _MOST_COLUMNS]
        rows = _rows(alias, [questions[key] for key in keys])
        answers |= zip(keys, next(rows), strict=True)
    return answers


def _rows(alias: str, columns: list[BaseExpression]) -> Iterator[tuple[Any, ...]]:
    query: Any = Query(None)
    for number, column in enumerate(columns):
        query.add_annotation(column, f"answer_{number}")
    rows: Iterator[tuple[Any, ...]] = query.get_compiler(using=alias).results_iter()
    return rows
