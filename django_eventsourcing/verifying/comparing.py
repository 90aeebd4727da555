"""Comparing: the rows in use beside those that have been made again."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import reduce
from itertools import zip_longest
from math import isfinite
from operator import or_
from typing import Any, cast
from uuid import UUID

from django.db.models import Model, Q

from django_eventsourcing.verifying.columns import Columns

__all__ = ["MOST_SHOWN", "Difference", "Drift", "ModelReport", "compared"]

MOST_SHOWN = 50
"""How many rows of a model are shown that differ; all are counted."""
MOST_WAITING = 100_000
"""How many rows of a table may wait for their counterpart, in memory."""
PAGE = 1_000
_LONGEST_VALUE = 200

Row = tuple[Any, ...]
InUse = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A column of a row that is not what the events say."""

    column: str
    found: Any
    """What is in the table in use."""
    expected: Any
    """What follows from the events."""

    def __str__(self) -> str:
        return f"{self.column} is {_text(self.found)}, the events say {_text(self.expected)}"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """A row that is not what the events say."""

    kind: str
    """``changed``, ``missing`` or ``surplus``."""
    key: Mapping[str, Any]
    """By what the row is told from others; all that is compared, where nothing less does it."""
    columns: Sequence[Difference] = ()
    """What is changed."""

    def __str__(self) -> str:
        key = ", ".join(f"{name}={_text(value)}" for name, value in self.key.items())
        if self.kind == "changed":
            return f"{key}: {'; '.join(map(str, self.columns))}"
        if self.kind == "missing":
            return f"{key}: missing, the events make such a row"
        return f"{key}: surplus, no events make such a row"


@dataclass(kw_only=True)
class ModelReport:
    """How the rows of one model differ from those that the events make."""

    model: str
    rows: int = 0
    """How many there are in use."""
    changed: int = 0
    missing: int = 0
    surplus: int = 0
    left_out: Sequence[str] = ()
    """The columns that have not been compared."""
    fault: str = ""
    """Why the comparison has come to no end."""
    drifts: list[Drift] = field(default_factory=list)
    """The first of them."""

    @property
    def findings(self) -> int:
        """How many rows differ; one more if there may be others."""
        return self.changed + self.missing + self.surplus + bool(self.fault)

    def lines(self) -> Iterator[str]:
        """Yield the report as text."""
        rows = f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
        kinds = {"changed": self.changed, "missing": self.missing, "surplus": self.surplus}
        told = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
        yield f"  {self.model}: {rows}, {told or 'all as the events say'}"
        for drift in self.drifts:
            yield f"    {drift}"
        more = self.changed + self.missing + self.surplus - len(self.drifts)
        if more:
            yield f"    and {more:,} more"
        if self.fault:
            yield f"    {self.fault}"
        if self.left_out:
            yield f"    not compared: {', '.join(self.left_out)}"

    def add(self, drift: Drift) -> None:
        """Count it; keep it if there are few."""
        setattr(self, drift.kind, getattr(self, drift.kind) + 1)
        if len(self.drifts) < MOST_SHOWN:
            self.drifts.append(drift)


def compared(
    model: type[Model],
    alias: str,
    columns: Columns,
    in_use: InUse,
    step: Callable[[], object] = lambda: None,
) -> ModelReport:
    """
    Return how the rows in use differ from those that ``in_use()`` lets the ORM see.

    Both tables are walked through side by side, page by page. A row waits in memory for its
    counterpart; tables that are filled by the same events in the same order keep few waiting.
    """
    report = ModelReport(model=model._meta.label, left_out=columns.left_out)
    matching = _Matching(report, columns)
    live = _pages(model, alias, columns, nullcontext)
    again = _pages(model, alias, columns, in_use)
    for found, expected in zip_longest(live, again, fillvalue=()):
        step()
        report.rows += len(found)
        for row in found:
            matching.found(row)
        for row in expected:
            matching.expected(row)
        if matching.waiting > MOST_WAITING:
            report.fault = (
                f"more than {MOST_WAITING:,} rows have no counterpart near by: the rest is not "
                "compared.  HINT: Rebuild the projection; if nothing was wrong, give the model a "
                "unique constraint by which its rows can be told apart."
            )
            break
    matching.finish()
    return report


class _Matching:
    """Rows of two tables, each of which waits until its counterpart comes."""

    def __init__(self, report: ModelReport, columns: Columns) -> None:
        self.waiting = 0
        self._report = report
        self._columns = columns
        self._found: dict[Row, list[Row]] = {}
        self._expected: dict[Row, list[Row]] = {}
        names = list(dict.fromkeys([*columns.order, *columns.key, *columns.values]))
        places = {name: place for place, name in enumerate(names)}
        # Whole rows are told apart by all that is compared.
        self._names = columns.key or columns.values
        self._key = [places[name] for name in self._names]
        self._values = [places[name] for name in columns.values] if columns.key else []

    def found(self, row: Row) -> None:
        """Take in a row of the table in use."""
        self._take(row, self._found, self._expected, lambda mine, other: (mine, other))

    def expected(self, row: Row) -> None:
        """Take in a row of the table that has been made again."""
        self._take(row, self._expected, self._found, lambda mine, other: (other, mine))

    def finish(self) -> None:
        """Report the rows that have no counterpart."""
        for kind, left in (("surplus", self._found), ("missing", self._expected)):
            if self._report.fault:
                # Those that were not come to are not missing.
                break
            for rows in left.values():
                for row in rows:
                    self._report.add(Drift(kind=kind, key=self._shown_key(row)))

    def _take(
        self,
        row: Row,
        mine: dict[Row, list[Row]],
        others: dict[Row, list[Row]],
        in_order: Callable[[Row, Row], tuple[Row, Row]],
    ) -> None:
        key = tuple(_hashable(row[place]) for place in self._key)
        waiting = others.get(key)
        if waiting is None:
            mine.setdefault(key, []).append(row)
            self.waiting += 1
            return
        other = waiting.pop()
        if not waiting:
            del others[key]
        self.waiting -= 1
        self._compare(*in_order(row, other))

    def _compare(self, found: Row, expected: Row) -> None:
        places = zip(self._columns.values, self._values, strict=False)
        differences = [
            Difference(column=name, found=_shown(found[place]), expected=_shown(expected[place]))
            for name, place in places
            if _hashable(found[place]) != _hashable(expected[place])
        ]
        if differences:
            key = self._shown_key(found)
            self._report.add(Drift(kind="changed", key=key, columns=differences))

    def _shown_key(self, row: Row) -> dict[str, Any]:
        places = zip(self._names, self._key, strict=True)
        return {name: _shown(row[place]) for name, place in places}


def _pages(
    model: type[Model], alias: str, columns: Columns, in_use: InUse
) -> Iterator[Sequence[Row]]:
    """Yield the rows of a table in their order; each page is asked for when it is wanted."""
    names = list(dict.fromkeys([*columns.order, *columns.key, *columns.values]))
    after: Row | None = None
    while True:
        with in_use():
            rows: Any = model._base_manager.using(alias).order_by(*columns.order)
            if after is not None:
                rows = rows.filter(_beyond(columns.order, after))
            page = cast("Sequence[Row]", list(rows.values_list(*names)[:PAGE]))
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1][: len(columns.order)]


def _beyond(order: Sequence[str], after: Row) -> Q:
    return reduce(
        or_,
        (
            Q(**dict(zip(order[:n], after[:n], strict=True)), **{f"{order[n]}__gt": after[n]})
            for n in range(len(order))
        ),
    )


def _hashable(value: Any) -> Any:
    """Return what is equal for equal values, and can be looked up."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, float) and value != value:
        return "nan"
    if isinstance(value, (dict, list, set)):
        return ("json", json.dumps(value, sort_keys=True, default=repr))
    if isinstance(value, bool):
        # True and 1 are not the same in JSON columns; in others, only one of them comes.
        return ("bool", value)
    return value


def _shown(value: Any) -> Any:
    """Return the value as it is told in text and in JSON."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()[:_LONGEST_VALUE]
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, (dict, list, set)):
        return json.dumps(value, sort_keys=True, default=repr, ensure_ascii=False)[:_LONGEST_VALUE]
    if value is None or isinstance(value, (bool, int, Decimal, date, UUID)):
        return value
    return str(value)[:_LONGEST_VALUE]


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)
