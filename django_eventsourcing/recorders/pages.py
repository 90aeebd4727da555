"""Pages: rows of a log that are read at a time, by their number and, if large, their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Func
from django.db.models.functions import Length

from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.recorders.notifications import DETAILS

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent

    Events = StoredEventQuerySet[AbstractStoredEvent]

__all__ = ["PAGE_MAX_BYTES", "Pages"]

PAGE_MAX_BYTES = 16 * 2**20
"""How much is read at a time where events may be large; the last of them is read whole."""
_COLUMNS = ("id", "originator_id", "originator_version", "topic", "state", *DETAILS)


class Pages:
    """Reads rows of notifications; with ``max_bytes``, none after those that have so many bytes."""

    def __init__(self, max_bytes: int | None) -> None:
        self._max_bytes = max_bytes
        self.is_cut = False
        """Whether the last page is shorter than it might have been, for its bytes."""

    def read(self, events: Events, limit: int, *more: Func) -> list[tuple[Any, ...]]:
        """Return rows of the first events, at most ``limit``; with further columns, if given."""
        self.is_cut = False
        if self._max_bytes is not None and limit > 1:
            end = self._end(events, limit, self._max_bytes)
            found = [] if end is None else _rows(events.until(end), limit, more)
            if found:
                self.is_cut = True
                return found
        return _rows(events, limit, more)

    def _end(self, events: Events, limit: int, max_bytes: int) -> int | None:
        """Return the id of the event at which there are bytes enough, unless that is the last."""
        read = 0
        # Drivers load all rows of a statement, so one more tells the sizes without the states.
        sizes: list[tuple[int, int]] = list(events.values_list("id", Length("state"))[:limit])
        for id_, size in sizes[:-1]:
            read += size
            if read >= max_bytes:
                return id_
        return None


def _rows(events: Events, limit: int, more: tuple[Func, ...]) -> list[tuple[Any, ...]]:
    return list(events.values_list(*_COLUMNS, *more)[:limit])
