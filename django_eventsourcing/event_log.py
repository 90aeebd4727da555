"""The event log: an application's notifications as people and programs read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import translation

from django_eventsourcing.metadata.values import CORRELATION
from django_eventsourcing.payloads import readable_event
from django_eventsourcing.problems import one_line
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.recorders.notifications import DETAILS, RecordedNotification
from eventsourcing.application import Application
from eventsourcing.persistence import MapperDeserialisationError, Notification

__all__ = [
    "LoggedEvent",
    "Span",
    "follow_log",
    "has_correlation_index",
    "known_id",
    "last_id",
    "logged",
    "read_log",
    "span_of",
    "stream_of",
]

BATCH_SIZE = 100
"""The number of notifications read at a time."""
_LOOK = 0.02
_COLUMNS = ("id", "originator_id", "originator_version", "topic", "state", *DETAILS)
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class LoggedEvent:
    """An event in the log of an application."""

    id: int
    application: str
    originator_id: UUID | str
    originator_version: int
    topic: str
    recorded_at: datetime | None = None
    """``None`` where the recorder does not keep it."""
    metadata: dict[str, Any] | None = None
    values: dict[str, Any] | None = None
    """The event's own values; ``None`` if it cannot be read."""
    error: str = ""
    """Why it cannot be read."""

    @property
    def name(self) -> str:
        """The name of the event's class, as its topic says it."""
        return self.topic.rpartition(":")[2]


@dataclass(frozen=True, kw_only=True)
class Span:
    """A part of a log, in which events are searched by what no index has."""

    after: int
    until: int
    last: int
    """The last id of the log."""
    is_all: bool
    """Whether nothing is left that might be searched as well."""


def span_of(application: Application, *, after: int = 0, size: int, newest: bool = False) -> Span:
    """Return the first ids after one, or the newest ones, ``size`` of them at most."""
    last = application.recorder.max_notification_id() or 0
    begin = max(after, last - size) if newest else after
    end = last if newest else min(after + size, last)
    return Span(after=begin, until=end, last=last, is_all=begin == after and end == last)


def read_log(
    application: Application,
    *,
    after: int = 0,
    until: int | None = None,
    limit: int = BATCH_SIZE,
    topics: Sequence[str] = (),
    originator_id: UUID | str | None = None,
    recorded_with: Mapping[str, str] = _NOTHING,
    newest: bool = False,
) -> Iterator[LoggedEvent]:
    """
    Yield what is in the log after an id, at most ``limit`` events; or the newest first.

    ``recorded_with`` has values of ``correlation_id`` and ``user`` that the metadata is to have.
    Without a correlation id, or where ``has_correlation_index()`` is false, there is no index: give
    ``until`` as well.
    """
    if originator_id is None and not newest and not recorded_with:
        found = _in_order(application, after, topics)
    elif isinstance(application.recorder, DjangoApplicationRecorder):
        found = _selected(
            application.recorder,
            after,
            until,
            limit,
            topics,
            originator_id,
            recorded_with,
            newest=newest,
        )
    else:
        every = _of(_in_order(application, after, topics), originator_id, recorded_with)
        found = reversed(list(every)) if newest else every
    found = islice(found, limit)
    while batch := list(islice(found, BATCH_SIZE)):
        yield from logged(application, batch)


def has_correlation_index(application: Application) -> bool:
    """Tell whether the events of a correlation id are found by an index."""
    recorder = application.recorder
    if not isinstance(recorder, DjangoApplicationRecorder):
        return False
    with database_errors(recorder.alias):
        return recorder.log.has_correlation_index()


def follow_log(
    application: Application,
    *,
    after: int = 0,
    topics: Sequence[str] = (),
    originator_id: UUID | str | None = None,
    recorded_with: Mapping[str, str] = _NOTHING,
) -> Iterator[LoggedEvent]:
    """Yield what is in the log after an id, and what comes, for ever."""
    with application.recorder.subscribe(gt=after, topics=topics) as subscription:
        for notification in _of(subscription, originator_id, recorded_with):
            yield from logged(application, [notification])


def stream_of(
    application: Application,
    originator_id: UUID | str,
    *,
    after: int | None = None,
    until: int | None = None,
    limit: int = BATCH_SIZE,
    newest: bool = False,
) -> list[Notification]:
    """Return an aggregate's events after a version and up to another; or the newest of them."""
    recorder = application.recorder
    if isinstance(recorder, DjangoApplicationRecorder):
        events = recorder.log.of(application.name).originator(originator_id)
        versions = events.versions(gt=after, lte=until)
        order = "-originator_version" if newest else "originator_version"
        with database_errors(recorder.alias):
            rows = list(versions.order_by(order).values_list(*_COLUMNS)[:limit])
        return [_recorded(row, recorder.alias) for row in rows]
    found = [
        notification
        for notification in _of(_in_order(application, 0, ()), originator_id, _NOTHING)
        if (after is None or notification.originator_version > after)
        and (until is None or notification.originator_version <= until)
    ]
    return list(islice(reversed(found) if newest else found, limit))


def last_id(application: Application, patience: float = 5.0) -> int:
    """
    Return the highest id that is there, 0 if there is none, for a reader of what comes after it.

    Where writers are at work, lower ones may come yet: those are waited for, but no more than
    ``patience`` seconds. What a longer transaction records may have a lower id.
    """
    head = application.recorder.max_notification_id() or 0
    deadline = monotonic() + patience
    while (application.recorder.settled_notification_id() or 0) < head and monotonic() < deadline:
        sleep(_LOOK)
    return head


def known_id(application: Application, text: str) -> UUID | str:
    """Return the id of an aggregate as the recorder has it; raise ``ValueError`` if it is none."""
    recorder = application.recorder
    if not isinstance(recorder, DjangoApplicationRecorder):
        return text
    try:
        value: UUID | str = recorder.model._meta.get_field("originator_id").to_python(text)
    except ValidationError as error:
        # In English, as the command is that tells it.
        with translation.override(None):
            raise ValueError(" ".join(error.messages)) from error
    return value


def _in_order(
    application: Application, after: int, topics: Sequence[str]
) -> Iterator[Notification]:
    select = application.recorder.select_notifications
    while batch := select(after, BATCH_SIZE, topics=topics, inclusive_of_start=False):
        yield from batch
        after = batch[-1].id


def _of(
    notifications: Iterator[Notification],
    originator_id: UUID | str | None,
    recorded_with: Mapping[str, str],
) -> Iterator[Notification]:
    for notification in notifications:
        is_of_it = originator_id is None or str(notification.originator_id) == str(originator_id)
        if is_of_it and _has(notification, recorded_with):
            yield notification


def _has(notification: Notification, recorded_with: Mapping[str, str]) -> bool:
    metadata = getattr(notification, "metadata", {}) if recorded_with else {}
    return all(str(metadata.get(key, "")) == value for key, value in recorded_with.items())


def _selected(
    recorder: DjangoApplicationRecorder,
    after: int,
    until: int | None,
    limit: int,
    topics: Sequence[str],
    originator_id: UUID | str | None,
    recorded_with: Mapping[str, str],
    *,
    newest: bool,
) -> Iterator[Notification]:
    size = min(limit, BATCH_SIZE)
    while True:
        if originator_id is None:
            events = recorder.log.log_after(recorder.application_name, after)
            if CORRELATION in recorded_with and recorder.log.has_correlation_index():
                every = recorder.log.of(recorder.application_name).filter(id__gt=after)
                events = every.correlated_by(recorded_with[CORRELATION])
        else:
            stream = recorder.log.of(recorder.application_name).originator(originator_id)
            events = stream.filter(id__gt=after).order_by("id")
        events = events.with_topics(topics)
        for key, value in recorded_with.items():
            events = events.recorded_with(key, value)
        if until is not None:
            events = events.until(until)
        rows = (events.reverse() if newest else events).values_list(*_COLUMNS)
        with database_errors(recorder.alias):
            page = list(rows[:size])
        for row in page:
            found = _recorded(row, recorder.alias)
            # Not every database takes account of case.
            if _has(found, recorded_with):
                yield found
        if len(page) < size or not page:
            return
        after, until = (after, page[-1][0] - 1) if newest else (page[-1][0], until)


def _recorded(row: tuple[Any, ...], alias: str) -> RecordedNotification:
    id_, of, version, topic, state, metadata, recorded_at = row
    return RecordedNotification(of, version, topic, bytes(state), id_, metadata, recorded_at, alias)


def logged(application: Application, batch: Sequence[Notification]) -> Iterator[LoggedEvent]:
    """Yield the notifications as they are read."""
    for notification in batch:
        values, error = _read(application, notification)
        yield LoggedEvent(
            id=notification.id,
            application=application.name,
            originator_id=notification.originator_id,
            originator_version=notification.originator_version,
            topic=notification.topic,
            recorded_at=getattr(notification, "recorded_at", None),
            metadata=getattr(notification, "metadata", None),
            values=values,
            error=error,
        )


def _read(
    application: Application, notification: Notification
) -> tuple[dict[str, Any] | None, str]:
    try:
        return readable_event(application.mapper, notification), ""
    except MapperDeserialisationError as error:
        # The cause says what is wrong; which event it is stands beside it.
        cause = error.__cause__ or error
        return None, one_line(cause) or type(cause).__name__
