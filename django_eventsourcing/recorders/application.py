"""The recorder of an application: its events, in the order of their commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from django.db import connections, transaction

from django_eventsourcing.announcements import RecordedEvents, has_listeners
from django_eventsourcing.event_table import EventTable, Session
from django_eventsourcing.metadata import Metadata, metadata_to_record
from django_eventsourcing.models import AbstractRecord, AbstractStoredEvent, StoredEventRecord
from django_eventsourcing.notifying import Notice, can_notify
from django_eventsourcing.ordering import get_commit_order
from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.recorders.aggregate import DjangoAggregateRecorder
from django_eventsourcing.recorders.errors import (
    UncommittedUpstreamError,
    database_errors,
    own_database_errors,
)
from django_eventsourcing.recorders.inserts import EventInsert
from django_eventsourcing.recorders.notifications import RecordedNotification
from django_eventsourcing.recorders.packets import require_packet
from django_eventsourcing.recorders.pages import Pages
from django_eventsourcing.transactions import is_to_be_committed
from django_eventsourcing.watermark import Watermark
from eventsourcing.persistence.recorders import ApplicationRecorder, Recorder
from eventsourcing.persistence.records import Notification, StoredEvent

__all__ = ["DjangoApplicationRecorder", "next_look"]

_PACKAGE = __name__.partition(".")[0]


class DjangoApplicationRecorder(DjangoAggregateRecorder, ApplicationRecorder):
    """Keeps one application's events; the ids of the records are those of the notifications."""

    notifies_others: bool = True
    """Whether, on PostgreSQL, other processes that listen are told of each commit."""
    process_at_once: Callable[[Sequence[StoredEvent], Sequence[int]], None] | None = None
    """What processes the events, with their ids, in the transaction that records them, if any."""
    _poll_interval = DjangoAggregateRecorder.poll_interval

    def __init__(
        self,
        application_name: str,
        *,
        alias: str = "default",
        model: type[AbstractStoredEvent] = StoredEventRecord,
    ) -> None:
        super().__init__(application_name, alias=alias, model=model)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """
        Write all the events, or none of them; return their ids.

        What synchronous followers raise goes on to the caller, and nothing is written.
        """
        if "contexts" not in kwargs:
            # The user of a request may be looked up: that is done before the transaction begins.
            metadata_to_record()
        if self.process_at_once is None:
            ids = super().insert_events(stored_events, **kwargs)
        else:
            with (
                own_database_errors(self.alias) as followers,
                # What a follower refuses takes along what the records themselves would.
                transaction.atomic(using=self.alias, savepoint=self._needs_savepoint(**kwargs)),
            ):
                ids = super().insert_events(stored_events, **kwargs)
                if ids:
                    with followers():
                        self.process_at_once(stored_events, ids)
        self.on_commit(self.announcer.announce)
        if stored_events and self.notifies_others and can_notify(self.alias):
            self.on_commit(Notice(self.alias, self.application_name))
        if ids and has_listeners():
            self.on_commit(RecordedEvents(self.application_name, ids))
        return ids

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """
        Return at most ``limit`` notifications in the order of their ids.

        None comes after those that have ``page_max_bytes``, if that is set.
        """
        pages = Pages(self.log, self.application_name, topics, self.page_max_bytes, self._queries)
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        with database_errors(self.alias):
            if self.watermark is None:
                found = pages.read(after, stop, limit)
            else:
                pages.session = Session(self.watermark.table.quoted_name)
                found = self.watermark.select(
                    pages.read,
                    after=after,
                    limit=limit,
                    stop=stop,
                    is_full=lambda: pages.is_cut,
                    query=pages.query,
                )
        return [
            RecordedNotification(
                originator_id, version, topic, bytes(state), id_, metadata, time, self.alias
            )
            for id_, originator_id, version, topic, state, metadata, time, *_ in found
        ]

    def max_notification_id(self) -> int | None:
        """
        Return the id of the last notification, or ``None`` if there is none.

        Readers come to it when no lower one can appear any more.
        """
        with database_errors(self.alias):
            return self.log.of(self.application_name).last_position()

    def settled_notification_id(self, after: int | None = None) -> int | None:
        """Return the id of the last notification that readers may come to just now."""
        events = self.log.of(self.application_name)
        with database_errors(self.alias):
            if self.watermark is not None:
                events = events.until(self.watermark.settle(after or 0))
            return events.last_position()

    def require_committed(self, follower: str, recorder: Recorder) -> None:
        """
        Raise ``UncommittedUpstreamError`` within a transaction that the follower is no part of.

        What is read in it may be rolled back, and what the follower writes would stay. The
        transaction that Django's ``TestCase`` puts around a test is not counted.
        """
        alias = getattr(recorder, "alias", None)
        if alias != self.alias and is_to_be_committed(connections[self.alias]):
            raise UncommittedUpstreamError.of(follower, alias, self.application_name, self.alias)

    @property
    def poll_interval(self) -> float | None:
        """Seconds between two looks: fewer while events are waited for that may still come."""
        return self._poll_interval and next_look(self, self._poll_interval)

    @poll_interval.setter
    def poll_interval(self, seconds: float | None) -> None:
        self._poll_interval = seconds

    @cached_property
    def watermark(self) -> Watermark | None:
        """Tells how far the log may be read; ``None`` where ids become visible in order."""
        if get_commit_order(connections[self.alias]).needs_watermark:
            return Watermark(EventTable(self.alias, self.log.model))
        return None

    @property
    def log(self) -> StoredEventQuerySet[AbstractStoredEvent]:
        """All events of the table, in the recorder's database."""
        manager: Any = self.model._default_manager
        return cast("StoredEventQuerySet[AbstractStoredEvent]", manager.using(self.alias))

    @cached_property
    def _insert(self) -> EventInsert | None:
        return EventInsert.for_table(self.alias, self.log.model)

    def _is_atomic(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> bool:
        if kwargs.get("tracking") is not None or self._insert is None or self._writes_along:
            return False
        return self._insert.is_atomic(stored_events)

    @cached_property
    def _writes_along(self) -> bool:
        """Whether a subclass, a project's own, writes more than the events."""
        return any(
            "_insert_events" in vars(cls) and cls.__module__.partition(".")[0] != _PACKAGE
            for cls in type(self).__mro__
        )

    def _insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        if self._insert is None:
            return [record.id for record in self._insert_records(stored_events, **kwargs)]
        for event in stored_events:
            self._check(event)
        require_packet(self.alias, self.application_name, stored_events)
        return self._insert(
            self.application_name,
            stored_events,
            _contexts(stored_events, kwargs),
            is_guarded=kwargs.get("is_guarded", False),
        )

    def _new_records(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> list[AbstractRecord]:
        records = super()._new_records(stored_events, **kwargs)
        for record, metadata in zip(records, _contexts(stored_events, kwargs), strict=True):
            if metadata:
                cast("AbstractStoredEvent", record).metadata = metadata
        return records


def _contexts(
    stored_events: Sequence[StoredEvent], kwargs: Mapping[str, Any]
) -> Sequence[Metadata]:
    """Return the metadata of each event, which are those of now unless it was collected before."""
    contexts: Sequence[Metadata] | None = kwargs.get("contexts")
    return contexts or [metadata_to_record()] * len(stored_events)


def next_look(recorder: ApplicationRecorder, longest: float) -> float:
    """Return the seconds to the next look at a log: fewer while a gap in it may be filled."""
    watermark = recorder.watermark if isinstance(recorder, DjangoApplicationRecorder) else None
    return longest if watermark is None else watermark.poll_interval(longest)
