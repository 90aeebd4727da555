"""Elsewhere: pages of logs that are in no database of Django's, such as those in memory."""

from collections.abc import Callable, Iterator

from django_eventsourcing.admin.paging import Cursor, Page
from eventsourcing.persistence import ApplicationRecorder, Notification

__all__ = ["read_elsewhere"]

BATCH_SIZE = 100


def read_elsewhere(
    recorder: ApplicationRecorder,
    cursor: Cursor,
    matches: Callable[[Notification], bool],
    *,
    size: int,
    window: int,
) -> Page[Notification]:
    """
    Return the notifications at the cursor, the newest first.

    At most ``window`` ids are looked at. Recorders other than Django's leave no gaps between ids.
    """
    head = recorder.max_notification_id() or 0
    if cursor.after is not None:
        return _read_upwards(recorder, min(cursor.after, head), head, matches, size, window)
    high = head if cursor.before is None else max(0, min(cursor.before - 1, head))
    return _read_downwards(recorder, high, head, matches, size, window)


def _read_downwards(
    recorder: ApplicationRecorder,
    high: int,
    head: int,
    matches: Callable[[Notification], bool],
    size: int,
    window: int,
) -> Page[Notification]:
    end = max(0, high - window)
    low = high
    found: list[Notification] = []
    while low > end and len(found) <= size:
        stop, low = low, max(end, low - BATCH_SIZE)
        found += [each for each in reversed(list(_between(recorder, low, stop))) if matches(each)]
    is_cut = len(found) > size
    rows = found[:size]
    older = Cursor(before=rows[-1].id) if is_cut else Cursor(before=low + 1) if low else None
    return Page(
        rows=rows,
        newer=Cursor(after=high) if high < head else None,
        older=older,
        searched=(low + 1, high) if low and len(rows) < size else None,
    )


def _read_upwards(
    recorder: ApplicationRecorder,
    low: int,
    head: int,
    matches: Callable[[Notification], bool],
    size: int,
    window: int,
) -> Page[Notification]:
    high = min(head, low + window)
    found: list[Notification] = []
    for notification in _between(recorder, low, high):
        if matches(notification):
            found.append(notification)
            if len(found) > size:
                break
    is_cut = len(found) > size
    rows = found[:size]
    newer = Cursor(after=rows[-1].id) if is_cut else Cursor(after=high) if high < head else None
    return Page(
        rows=rows[::-1],
        newer=newer,
        older=Cursor(before=low + 1) if low else None,
        searched=(low + 1, high) if newer and len(rows) < size else None,
    )


def _between(recorder: ApplicationRecorder, after: int, until: int) -> Iterator[Notification]:
    """Yield the notifications after an id and up to another."""
    while after < until and (
        batch := recorder.select_notifications(
            after, BATCH_SIZE, stop=until, inclusive_of_start=False
        )
    ):
        yield from batch
        after = batch[-1].id
