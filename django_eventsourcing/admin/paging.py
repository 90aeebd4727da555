"""Keyset paging: pages of a log by the ids at their edges, as fast at the end as at the start."""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet

__all__ = ["MAX_ID", "Cursor", "Page", "clamp_id", "parse_id", "read_page", "read_stream_page"]

MAX_ID = 2**63 - 1
"""The largest id that a database can keep."""

M = TypeVar("M", bound=Model)
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Where a page begins; with neither value, at the newest row."""

    before: int | None = None
    """The page holds the newest rows with lower ids."""
    after: int | None = None
    """The page holds the oldest rows with higher ids."""


@dataclass(frozen=True, kw_only=True)
class Page(Generic[R]):
    """Some rows of a log, the newest first."""

    rows: list[R]
    newer: Cursor | None
    """Where the page of newer rows begins, if there are any."""
    older: Cursor | None
    searched: tuple[int, int] | None = None
    """The first and the last id looked at, if the log was not searched to its end."""


def read_page(
    scope: QuerySet[M],
    cursor: Cursor,
    *,
    size: int,
    matching: Q | None = None,
    window: int = 100_000,
) -> Page[M]:
    """
    Return the rows at the cursor, in at most three queries.

    ``scope`` selects by what is indexed together with the id; it may have an order that names the
    columns of the index, the last of which is the id. ``matching`` selects further by
    what is not: then at most ``window`` ids are looked at, so that a rare match cannot make the
    database read the whole log. The page then may have few rows, or none, and yet an older one.
    """
    span = None if matching is None else window
    scope = scope if scope.query.order_by else scope.order_by("id")
    rows = scope if matching is None else scope.filter(matching)
    if cursor.after is not None:
        return _read_upwards(scope, rows, cursor.after, size, span)
    return _read_downwards(scope, rows, cursor.before, size, span)


def read_stream_page(stream: QuerySet[M], cursor: Cursor, *, size: int) -> Page[M] | None:
    """
    Return the records of one originator, in one application, at the cursor; in two queries.

    Versions are in the order of ids, and have an index of their own: it is as quick in a long
    stream. Return ``None`` if the cursor is at an id that is of another stream.
    """
    is_upwards, at = cursor.after is not None, cursor.after or cursor.before
    version = 0
    if at:
        versions = stream.filter(id=at).values_list("originator_version", flat=True)
        found = list(versions[:1])
        if not found:
            return None
        [version] = found
    if is_upwards:
        later = stream.filter(originator_version__gt=version).order_by("originator_version")
        rows = list(later[: size + 1])
        has_more = len(rows) > size
        rows = rows[:size][::-1]
        return Page(
            rows=rows,
            newer=Cursor(after=rows[0].pk) if has_more else None,
            older=Cursor(before=rows[-1].pk) if at and rows else None,
        )
    earlier = stream.filter(originator_version__lt=version) if at else stream
    rows = list(earlier.order_by("-originator_version")[: size + 1])
    has_more = len(rows) > size
    rows = rows[:size]
    return Page(
        rows=rows,
        newer=Cursor(after=rows[0].pk) if at and rows else None,
        older=Cursor(before=rows[-1].pk) if has_more else None,
    )


def parse_id(text: str) -> int | None:
    """Return the number, brought into the range of ids; ``None`` if the text is not one."""
    return clamp_id(int(text)) if re.fullmatch(r"-?[0-9]{1,50}", text.strip()) else None


def clamp_id(number: int) -> int:
    """Return the nearest number that can be an id, or zero."""
    return max(0, min(number, MAX_ID))


def _read_downwards(
    scope: QuerySet[M], rows: QuerySet[M], before: int | None, size: int, span: int | None
) -> Page[M]:
    low, high = 0, MAX_ID if before is None else before - 1
    newest = None
    if span is not None:
        newest = scope.reverse().values_list("id", flat=True).first() or 0
        high = min(high, newest)
        low = max(0, high - span)
    found = list(rows.filter(id__gt=low, id__lte=high).reverse()[: size + 1])
    older = None
    if len(found) > size:
        found.pop()
        older = Cursor(before=found[-1].pk)
    elif low and _is_any(scope.filter(id__lte=low)):
        older = Cursor(before=low + 1)
    if newest is not None:
        has_newer = newest > high
    else:
        has_newer = before is not None and _is_any(scope.filter(id__gt=high))
    return Page(
        rows=found,
        newer=Cursor(after=high) if has_newer else None,
        older=older,
        searched=(low + 1, high) if low and len(found) < size else None,
    )


def _read_upwards(
    scope: QuerySet[M], rows: QuerySet[M], after: int, size: int, span: int | None
) -> Page[M]:
    high = MAX_ID if span is None else clamp_id(after + span)
    found = list(rows.filter(id__gt=after, id__lte=high)[: size + 1])
    newer = None
    if len(found) > size:
        found.pop()
        newer = Cursor(after=found[-1].pk)
    elif high < MAX_ID and _is_any(scope.filter(id__gt=high)):
        newer = Cursor(after=high)
    is_cut = newer is not None and len(found) < size
    return Page(
        rows=found[::-1],
        newer=newer,
        older=Cursor(before=clamp_id(after + 1)) if _is_any(scope.filter(id__lte=after)) else None,
        searched=(after + 1, high) if is_cut else None,
    )


def _is_any(records: QuerySet[M]) -> bool:
    # In their order, so that the same index answers as for the rows.
    return records.values_list("pk", flat=True).first() is not None
