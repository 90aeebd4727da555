"""Protocols: what the other rooms expect of events, aggregates and snapshots, and no more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable
from uuid import UUID

__all__ = [
    "CanMutateProtocol",
    "CollectEventsProtocol",
    "DomainEventProtocol",
    "ImmutableAggregateProtocol",
    "MutableAggregateProtocol",
    "MutableOrImmutableAggregate",
    "SnapshotProtocol",
    "TAggregate",
    "TAggregateID",
    "TAggregateID_co",
    "TDomainEvent",
    "TMutableOrImmutableAggregate",
]

TAggregateID = TypeVar("TAggregateID", bound=UUID | str)
TAggregateID_co = TypeVar("TAggregateID_co", bound=UUID | str, covariant=True)


@runtime_checkable
class DomainEventProtocol(Protocol[TAggregateID_co]):
    """Something that happened to an originator, and made it the given version."""

    @property
    def originator_id(self) -> TAggregateID_co:
        """The id of what the event happened to."""
        ...

    @property
    def originator_version(self) -> int:
        """The version of the originator after the event."""
        ...


@runtime_checkable
class ImmutableAggregateProtocol(Protocol[TAggregateID_co]):
    """An aggregate that events replace by another."""

    @property
    def id(self) -> TAggregateID_co:
        """The id of the aggregate."""
        ...

    @property
    def version(self) -> int:
        """The version of the aggregate: that of its last event."""
        ...


@runtime_checkable
class MutableAggregateProtocol(Protocol[TAggregateID_co]):
    """An aggregate that events change."""

    @property
    def id(self) -> TAggregateID_co:
        """The id of the aggregate."""
        ...

    @property
    def version(self) -> int:
        """The version of the aggregate: that of its last event."""
        ...

    @version.setter
    def version(self, value: int) -> None: ...


MutableOrImmutableAggregate = (
    MutableAggregateProtocol[TAggregateID] | ImmutableAggregateProtocol[TAggregateID]
)

TAggregate = TypeVar("TAggregate", bound=MutableOrImmutableAggregate[Any])
TMutableOrImmutableAggregate = TypeVar(
    "TMutableOrImmutableAggregate", bound=MutableOrImmutableAggregate[Any]
)
TDomainEvent = TypeVar("TDomainEvent", bound=DomainEventProtocol[Any])


@runtime_checkable
class CollectEventsProtocol(Protocol):
    """An object that gives away its new events, each once."""

    def collect_events(self) -> Sequence[DomainEventProtocol[Any]]:
        """Return the new events in order, and forget them."""
        ...


@runtime_checkable
class CanMutateProtocol(DomainEventProtocol[TAggregateID_co], Protocol[TAggregateID_co]):
    """An event that makes, changes or replaces an aggregate."""

    def mutate(self, aggregate: Any) -> Any:
        """Return the aggregate after the event; ``None`` if the event is its end."""
        ...


@runtime_checkable
class SnapshotProtocol(DomainEventProtocol[TAggregateID_co], Protocol[TAggregateID_co]):
    """The state of an aggregate at a version, from which it can be made again."""

    @property
    def timestamp(self) -> datetime:
        """When the snapshot was taken."""
        ...

    @property
    def state(self) -> Any:
        """The values of the aggregate."""
        ...

    def mutate(self, aggregate: Any) -> Any:
        """Return the aggregate after the event; ``None`` if the event is its end."""
        ...
