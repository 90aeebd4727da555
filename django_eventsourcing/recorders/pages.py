"""Pages: rows of a log that are read at a time, by their number and, if large, their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import Func
from django.db.models.functions import Length

from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.recorders.notifications import DETAILS
from django_eventsourcing.recorders.prepared import BoundQuery, PreparedQuery, PreparedStatements
from django_eventsourcing.recorders.values import within_bounds

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent

    Events = StoredEventQuerySet[AbstractStoredEvent]

__all__ = ["PAGE_MAX_BYTES", "Pages"]

PAGE_MAX_BYTES = 16 * 2**20
"""How much is read at a time where events may be large; the last of them is read whole."""
_COLUMNS = ("id", "originator_id", "originator_version", "topic", "state", *DETAILS)


class Pages:
    """
    Reads rows of an application's notifications, from one position on.

    With ``max_bytes``, none after those that have so many bytes.
    """

    def __init__(
        self,
        events: Events,
        application_name: str,
        topics: Sequence[str],
        max_bytes: int | None,
        queries: PreparedStatements,
    ) -> None:
        self.session: Func | None = None
        """What the last column is to tell, if there is to be one more."""
        self.is_cut = False
        """Whether the last page is shorter than it might have been, for its bytes."""
        self._all_events = events
        self._application_name = application_name
        self._topics = tuple(topics)
        self._max_bytes = max_bytes
        self._queries = queries

    def read(self, after: int, upto: int | None, limit: int) -> list[tuple[Any, ...]]:
        """Return rows of the first events after an id, up to an id, at most ``limit``."""
        self.is_cut = False
        if self._max_bytes is not None and limit > 1:
            end = self._end(self._events(after, upto), limit, self._max_bytes)
            found = [] if end is None else self._rows(after, end, limit)
            if found:
                self.is_cut = True
                return found
        return self._rows(after, upto, limit)

    def _events(self, after: int, upto: int | None) -> Events:
        events = self._all_events.log_after(self._application_name, after)
        events = events.with_topics(self._topics)
        return events if upto is None else events.until(upto)

    def query(self, after: int, limit: int) -> BoundQuery | None:
        """Return what reads a page up to the end of the log, if one statement does."""
        if limit < 1 or self._max_bytes is not None:
            return None
        self.is_cut = False
        return self._prepared(limit, is_to_end=True).bound(within_bounds(after))

    def _rows(self, after: int, upto: int | None, limit: int) -> list[tuple[Any, ...]]:
        if limit < 1:
            return []
        bounds = [after] if upto is None else [after, upto]
        return self._prepared(limit, is_to_end=upto is None).rows(*map(within_bounds, bounds))

    def _prepared(self, limit: int, *, is_to_end: bool) -> PreparedQuery:
        key = ("page", self.session is None, is_to_end, limit, self._topics)
        return self._queries.get(key, lambda: self._query(limit, is_to_end=is_to_end))

    def _query(self, limit: int, *, is_to_end: bool) -> PreparedQuery:
        after, upto = -1, None if is_to_end else -2
        columns = _COLUMNS if self.session is None else (*_COLUMNS, self.session)
        rows = self._events(after, upto).values_list(*columns)[:limit]
        id_ = self._all_events.model._meta.pk
        places = [(id_, bound) for bound in (after, upto) if bound is not None]
        return PreparedQuery(rows, self._all_events.db, places)

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
