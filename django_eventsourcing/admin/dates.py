"""Dates: where in a log a time is, found by looking at a few events."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connections
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

__all__ = ["Look", "first_event_at", "first_late", "parse_time"]

Look = Callable[[Sequence[int]], Sequence[tuple[int, bool]]]
"""
What looks at events: for each id, in ascending order, it tells of the first event from there on.

That is its id, and whether it is late: recorded at the time in question, or after it.
"""

FEWEST, MOST = 16, 64
"""The events looked at by one query: more take databases long to plan, and 64⁴ is 16 million."""
_ID = -1


def parse_time(text: str) -> datetime | None:
    """Return the time, which is that of the admin's time zone if it does not say otherwise."""
    text = text.strip()
    try:
        at = parse_datetime(text if len(text) > len("2026-01-31") else f"{text} 00:00")
        if at is None:
            return None
        # Databases are asked for the time in UTC, in which it must be within the years that are.
        return (timezone.make_aware(at) if timezone.is_naive(at) else at).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def first_event_at(events: QuerySet[Any], at: datetime) -> int | None:
    """
    Return the id of the first event recorded at a time or later; ``None`` if there is none.

    ``events`` are in the order of ids, which is that of the times but for what writers recorded
    at the same time, or clocks that differ: it is the first as far as the order of times holds.
    Among 10 million ids that takes five queries.
    """
    if not timezone.is_aware(timezone.now()):
        at = timezone.make_naive(at)
    late = ExpressionWrapper(Q(recorded_at__gte=at), output_field=BooleanField())
    told = events.annotate(is_late=late).values_list("id", "is_late")
    newest = told.reverse().first()
    if newest is None or not newest[1]:
        return None
    return first_late(_look(told), newest[0])


def first_late(look: Look, last: int) -> int:
    """Return the id of the first late event; ``last`` is the id of one that is late."""
    # Those up to ``low`` are early; ``found`` is late, and there is no event from ``stop`` to it.
    low, stop, found = 0, last, last
    # By so many, four looks are enough.
    size = max(FEWEST, min(MOST, round(last ** (1 / 4)) + 1))
    while low + 1 < stop:
        ids = range(low + 1, stop)
        count = min(size, len(ids))
        probes = [ids[len(ids) * n // count] for n in range(count)]
        for probe, (number, is_late) in zip(probes, look(probes), strict=False):
            if is_late:
                stop, found = probe, number
                break
            low = number
        else:
            # Events that are gone meanwhile tell nothing.
            low = max(low, probes[-1])
    return found


def _look(told: Any) -> Look:
    """Return what looks at events of a query for their ids and whether they are late."""
    one = told.filter(id__gte=_ID)[:1].query
    sql, params = one.get_compiler(told.db).as_sql()
    position = list(params).index(_ID)

    def look(ids: Sequence[int]) -> Sequence[tuple[int, bool]]:
        values = [value for id_ in ids for value in _with(params, position, id_)]
        with connections[told.db].cursor() as cursor:
            # Not every database lets the parts of a union have a limit otherwise.
            parts = ["SELECT * FROM (", sql, ") AS part"]
            cursor.execute(" UNION ALL ".join(["".join(parts)] * len(ids)), values)
            # A union is in no order, but higher ids lead to higher ones.
            return sorted((int(number), bool(late)) for number, late in cursor.fetchall())

    return look


def _with(params: Sequence[Any], position: int, id_: int) -> list[Any]:
    return [*params[:position], id_, *params[position + 1 :]]
