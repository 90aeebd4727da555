"""Traces: what came of one request, in all applications, as a tree of causes and effects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django_eventsourcing.metadata import EventReference, MetadataError
from django_eventsourcing.metadata.values import CAUSATION, CORRELATION, checked
from django_eventsourcing.models import AbstractStoredEvent
from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.reading import separate_look
from django_eventsourcing.registry import systems

__all__ = [
    "MISSING",
    "ROUND",
    "Trace",
    "TraceNode",
    "TracedEvent",
    "TracedLog",
    "arranged",
    "read_trace",
    "traced_event",
    "traced_logs",
]

LIMIT = 1_000
"""Events of a trace that are read."""
WINDOW = 100_000
"""Ids that are searched for a trace where there is no index."""
MISSING, ROUND = "missing", "round"
_HIGHEST = 2**63 - 1
_COLUMNS = (
    "id",
    "application_name",
    "originator_id",
    "originator_version",
    "topic",
    "metadata",
    "recorded_at",
)


class TracedLog(NamedTuple):
    """An application's log, in which events of a trace may be."""

    application: str
    database: str
    model: type[AbstractStoredEvent]


@dataclass(frozen=True, kw_only=True)
class TracedEvent:
    """An event of a trace, without what it says."""

    id: int
    application: str
    database: str
    originator_id: UUID | str
    originator_version: int
    topic: str
    recorded_at: datetime
    metadata: Any

    @property
    def reference(self) -> str:
        """What events that follow from it have as their ``causation_id``."""
        return str(EventReference(self.application, self.id))

    @property
    def name(self) -> str:
        """The name of the event's class, as its topic says it."""
        return self.topic.rpartition(":")[2]

    @property
    def correlation_id(self) -> str:
        """That of the trace to which it belongs: its own, or else its reference."""
        return _text(self.metadata, CORRELATION) or self.reference

    @property
    def causation_id(self) -> str:
        """The reference of its cause; empty if it has none."""
        return _text(self.metadata, CAUSATION)


@dataclass(frozen=True, kw_only=True)
class TraceNode:
    """An event in its place in the tree."""

    event: TracedEvent
    depth: int
    """0 for what has no cause in the trace."""
    elapsed: timedelta
    """The time since the first event of the trace."""
    cause: str = ""
    """
    Why it is at the root though it has a cause: that is ``missing``, as it is not among the events
    that have been read; or causes go ``round`` in a circle, and one must come first.
    """


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The events of one correlation id, each after its cause."""

    correlation_id: str
    events: Sequence[TraceNode]
    is_cut: bool = False
    """Whether there are more events than have been read."""
    unindexed: Sequence[str] = ()
    """The applications without an index of correlation ids: of those, the newest ids are read."""

    def find(self, reference: str) -> TraceNode | None:
        """Return the event of this reference."""
        return next((node for node in self.events if node.event.reference == reference), None)

    def caused_by(self, reference: str) -> list[TraceNode]:
        """Return the events that follow from the one of this reference directly."""
        return [node for node in self.events if node.event.causation_id == reference]


def traced_logs() -> list[TracedLog]:
    """Return the logs of all applications that keep metadata, each once."""
    found = (
        TracedLog(name, system.database_of(name), system.models_of(name).event)
        for system in systems.values()
        for name in system.names
        if system.is_persisted(name)
    )
    return list(dict.fromkeys(found))


def read_trace(asked: str | TracedEvent, logs: Iterable[TracedLog], *, limit: int = LIMIT) -> Trace:
    """
    Return the trace of a correlation id, or of an event such as ``DogSchool:4711``.

    The trace of an event is that of its correlation id. If it has none, what followed from it has
    its reference in the place of one: then the trace has the event itself, and those. At most
    ``limit`` events are read, those with the lowest ids; ``logs`` says where.
    """
    logs = list(logs)
    if isinstance(asked, str) and not _can_be_recorded(asked):
        return Trace(correlation_id=asked, events=[])
    named = _named(asked, logs) if isinstance(asked, str) else asked
    correlation_id = named.correlation_id if named else str(asked)
    # A correlation id may be the reference of the event with which all began.
    is_first = correlation_id == (named.reference if named else asked)
    first = named if is_first else _named(correlation_id, logs)
    found = {
        (each.database, each.application, each.id): each
        for each in (named, first)
        if each and each.correlation_id == correlation_id
    }
    tables: dict[tuple[str, type[AbstractStoredEvent]], list[str]] = defaultdict(list)
    for log in logs:
        tables[log.database, log.model].append(log.application)
    unindexed: list[str] = []
    read: list[TracedEvent] = []
    for (database, model), names in tables.items():
        with separate_look(database):
            events: StoredEventQuerySet[Any] = model.objects.using(database)
            if events.has_correlation_index():
                every = events.filter(application_name__in=names).correlated_by(correlation_id)
                pages = [every]
            else:
                pages = [_newest(events, name, correlation_id) for name in names]
                unindexed += names
            for page in pages:
                read += _events(page[: limit + 1], database)
    matching = [each for each in read if _text(each.metadata, CORRELATION) == correlation_id]
    matching.sort(key=_by_time)
    found |= {(each.database, each.application, each.id): each for each in matching[:limit]}
    return Trace(
        correlation_id=correlation_id,
        events=arranged(found.values()),
        is_cut=len(matching) > limit,
        unindexed=unindexed,
    )


def traced_event(record: AbstractStoredEvent, database: str) -> TracedEvent:
    """Return the event of a record, which is in this database."""
    return TracedEvent(
        id=record.pk,
        application=record.application_name,
        database=database,
        originator_id=record.originator_id,
        originator_version=record.originator_version,
        topic=record.topic,
        recorded_at=record.recorded_at,
        metadata=record.metadata,
    )


def arranged(events: Iterable[TracedEvent]) -> list[TraceNode]:
    """Return the events with each one after its cause, and siblings in the order of time."""
    ordered = sorted(events, key=_by_time)
    by_reference: dict[str, list[int]] = defaultdict(list)
    for n, event in enumerate(ordered):
        by_reference[event.reference].append(n)
    effects: dict[int | None, list[int]] = defaultdict(list)
    for n, event in enumerate(ordered):
        effects[_cause(event, ordered, by_reference)].append(n)
    nodes: list[TraceNode] = []
    seen: set[int] = set()
    # Whoever is not reached from a root is in a circle, or follows from one: the first one leads.
    roots = dict.fromkeys(effects[None])
    for root in [*roots, *range(len(ordered))]:
        is_round = root not in roots
        stack = [(root, 0)]
        while stack:
            n, depth = stack.pop()
            if n in seen:
                continue
            seen.add(n)
            event = ordered[n]
            cause = ""
            if not depth and event.causation_id:
                cause = ROUND if is_round else MISSING
            elapsed = event.recorded_at - ordered[0].recorded_at
            nodes.append(TraceNode(event=event, depth=depth, elapsed=elapsed, cause=cause))
            stack += [(effect, depth + 1) for effect in reversed(effects[n])]
    return nodes


def _cause(
    event: TracedEvent, events: Sequence[TracedEvent], by_reference: dict[str, list[int]]
) -> int | None:
    """Return where the cause is; that in the same database, if another one has the like, too."""
    found = by_reference.get(event.causation_id, [])
    near = (n for n in found if events[n].database == event.database)
    return next(near, found[0] if found else None)


def _newest(
    events: StoredEventQuerySet[Any], name: str, correlation_id: str
) -> StoredEventQuerySet[Any]:
    last = events.of(name).last_position() or 0
    return events.log_after(name, last - WINDOW).recorded_with(CORRELATION, correlation_id)


def _named(text: str, logs: Iterable[TracedLog]) -> TracedEvent | None:
    reference = EventReference.parse(text)
    if reference is None or reference.notification_id > _HIGHEST:
        return None
    for log in logs:
        if log.application == reference.application_name:
            with separate_look(log.database):
                events = log.model.objects.using(log.database).of(log.application)
                found = list(_events(events.filter(id=reference.notification_id), log.database))
            if found:
                return found[0]
    return None


def _events(rows: StoredEventQuerySet[Any], database: str) -> Iterator[TracedEvent]:
    for record in rows.only(*_COLUMNS):
        yield traced_event(record, database)


def _text(metadata: Any, key: str) -> str:
    value = metadata.get(key) if isinstance(metadata, dict) else None
    return "" if value is None else str(value)


def _by_time(event: TracedEvent) -> tuple[datetime, str, int]:
    return event.recorded_at, event.database, event.id


def _can_be_recorded(text: str) -> bool:
    try:
        checked({CORRELATION: text})
    except MetadataError:
        return False
    return True
