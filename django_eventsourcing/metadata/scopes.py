"""Scopes: what is recorded with events while a block of code runs, or an event is processed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

from django_eventsourcing.metadata.references import EventReference
from django_eventsourcing.metadata.values import (
    CAUSATION,
    CORRELATION,
    Json,
    Metadata,
    checked,
    merged,
)
from eventsourcing.persistence import Notification

__all__ = [
    "Handling",
    "ProcessedEvent",
    "current_metadata",
    "event_metadata",
    "metadata_to_record",
    "processed_event",
    "scope",
]

Later = Mapping[str, Callable[[], object]]
_NOTHING_LATER: Later = {}


@dataclass(frozen=True, kw_only=True)
class ProcessedEvent:
    """The event that is being processed: where it stands, and what was recorded with it."""

    application_name: str
    """The upstream application's name."""
    notification_id: int
    metadata: Metadata = field(default_factory=dict)
    recorded_at: datetime | None = None
    """``None`` where the upstream application does not keep it."""

    @classmethod
    def of(cls, application_name: str, notification: Notification) -> Self:
        """Return the event of a notification, which may come from any kind of recorder."""
        return cls(
            application_name=application_name,
            notification_id=notification.id,
            metadata=getattr(notification, "metadata", {}),
            recorded_at=getattr(notification, "recorded_at", None),
        )

    @property
    def reference(self) -> str:
        """What events that follow from this one have as their ``causation_id``."""
        return str(EventReference(self.application_name, self.notification_id))

    @property
    def correlation_id(self) -> Json:
        """What events that follow from this one have as theirs: its own, or else its reference."""
        return self.metadata.get(CORRELATION) or self.reference


@contextmanager
def event_metadata(values: Mapping[str, Json] | None = None, /, **keys: Json) -> Iterator[None]:
    """
    Record these keys with every event that is saved within.

    Keys that are no names of Python's go into ``values``. An inner block adds to what an outer one
    has given, and overrides it. ``correlation_id``, ``causation_id`` and ``user`` have a meaning:
    what came of the same request, what led to the event directly, and who was at work; ``None``
    leaves them out. Code that is awaited or called within has the same metadata, and a thread that
    it starts has none. Raise ``MetadataError`` on entering for what not every database can keep.
    """
    with scope({**(values or {}), **keys}):
        yield


@contextmanager
def scope(values: Mapping[str, object], later: Later = _NOTHING_LATER) -> Iterator[None]:
    """Record these keys with events; ``later`` has those that are asked for with each save."""
    outer = _current.get()
    found = checked(values)
    inner = _Block(
        values=merged({k: v for k, v in outer.values.items() if k not in later}, found),
        later={**{k: v for k, v in outer.later.items() if k not in found}, **later},
        processed=outer.processed,
    )
    token = _current.set(inner)
    try:
        yield
    finally:
        _current.reset(token)


def current_metadata() -> Metadata:
    """Return what an event would have as its metadata that is recorded now."""
    return deepcopy(metadata_to_record())


def metadata_to_record() -> Metadata:
    """Return the same, to be read only: it is shared by all that is recorded meanwhile."""
    current = _current.get()
    if not current.later:
        return current.values
    asked = checked({key: ask() for key, ask in current.later.items()})
    return {**current.values, **{k: v for k, v in asked.items() if v is not None}}


def processed_event() -> ProcessedEvent | None:
    """Return the event that a follower is processing in this context; ``None`` outside of that."""
    return _current.get().processed


class _Scope(Protocol):
    @property
    def values(self) -> Metadata: ...
    @property
    def later(self) -> Later: ...
    @property
    def processed(self) -> ProcessedEvent | None: ...


@dataclass(frozen=True, kw_only=True)
class _Block:
    """What a block of code has given, over what was given around it."""

    values: Metadata
    later: Later
    processed: ProcessedEvent | None


class Handling:
    """
    A context in which a follower processes an event: what it records follows from that event.

    Whatever was given around it does not count: it is the same for a follower that processes at
    once, in somebody's request, as for one that processes later.
    """

    __slots__ = ("_application_name", "_notification", "_processed", "_token", "_values")

    later: Later = _NOTHING_LATER

    def __init__(self, application_name: str, notification: Notification) -> None:
        # Made for each event that is processed: the rest is made for those who ask.
        self._application_name = application_name
        self._notification = notification
        self._processed: ProcessedEvent | None = None
        self._values: Metadata | None = None

    @classmethod
    def of(cls, event: ProcessedEvent) -> Self:
        """Return the context for an event that has been made out already."""
        handling = cls.__new__(cls)
        handling._processed, handling._values = event, None
        return handling

    def __enter__(self) -> None:
        self._token: Token[_Scope] = _current.set(self)

    def __exit__(self, *args: object) -> None:
        _current.reset(self._token)

    @property
    def processed(self) -> ProcessedEvent:
        """The event that is processed."""
        if self._processed is None:
            self._processed = ProcessedEvent.of(self._application_name, self._notification)
        return self._processed

    @property
    def values(self) -> Metadata:
        """What is recorded with the events that follow."""
        if self._values is None:
            event = self.processed
            self._values = {CORRELATION: event.correlation_id, CAUSATION: event.reference}
        return self._values


_OUTSIDE: _Scope = _Block(values={}, later=_NOTHING_LATER, processed=None)
_current: ContextVar[_Scope] = ContextVar("event_metadata", default=_OUTSIDE)
