"""The domain: aggregates, their events, and the decorator that makes events of methods."""

from eventsourcing.domain.aggregate import Aggregate, BaseAggregate
from eventsourcing.domain.commands import DecoratedFuncCaller
from eventsourcing.domain.decorator import CommandMethodDecorator, event, triggers
from eventsourcing.domain.errors import (
    OriginatorIDError,
    OriginatorVersionError,
    ProgrammingError,
)
from eventsourcing.domain.events import (
    AggregateCreated,
    AggregateEvent,
    DomainEvent,
    LogEvent,
    MetaDomainEvent,
)
from eventsourcing.domain.meta import MetaAggregate
from eventsourcing.domain.mutation import (
    CanInitAggregate,
    CanMutateAggregate,
    HasOriginatorIDVersion,
)
from eventsourcing.domain.protocols import (
    CanMutateProtocol,
    CollectEventsProtocol,
    DomainEventProtocol,
    ImmutableAggregateProtocol,
    MutableAggregateProtocol,
    MutableOrImmutableAggregate,
    SnapshotProtocol,
    TAggregate,
    TAggregateID,
    TAggregateID_co,
    TDomainEvent,
    TMutableOrImmutableAggregate,
)
from eventsourcing.domain.reclassing import aggregate
from eventsourcing.domain.snapshots import CanSnapshotAggregate, Snapshot
from eventsourcing.domain.timestamps import (
    CanCreateTimestamp,
    create_utc_datetime_now,
    datetime_now_with_tzinfo,
)
from eventsourcing.domain.upcasting import upcast
from eventsourcing.exceptions import EventSourcingError

__all__ = [
    "Aggregate",
    "AggregateCreated",
    "AggregateEvent",
    "BaseAggregate",
    "CanCreateTimestamp",
    "CanInitAggregate",
    "CanMutateAggregate",
    "CanMutateProtocol",
    "CanSnapshotAggregate",
    "CollectEventsProtocol",
    "CommandMethodDecorator",
    "DecoratedFuncCaller",
    "DomainEvent",
    "DomainEventProtocol",
    "EventSourcingError",
    "HasOriginatorIDVersion",
    "ImmutableAggregateProtocol",
    "LogEvent",
    "MetaAggregate",
    "MetaDomainEvent",
    "MutableAggregateProtocol",
    "MutableOrImmutableAggregate",
    "OriginatorIDError",
    "OriginatorVersionError",
    "ProgrammingError",
    "Snapshot",
    "SnapshotProtocol",
    "TAggregate",
    "TAggregateID",
    "TAggregateID_co",
    "TDomainEvent",
    "TMutableOrImmutableAggregate",
    "aggregate",
    "create_utc_datetime_now",
    "datetime_now_with_tzinfo",
    "event",
    "triggers",
    "upcast",
]
