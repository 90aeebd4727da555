"""Snapshots: the state of an aggregate at a version, so that earlier events need not be read."""

import copy
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from eventsourcing.domain.events import DomainEvent
from eventsourcing.domain.mutation import HasOriginatorIDVersion, find_aggregate_class
from eventsourcing.domain.protocols import TAggregateID
from eventsourcing.domain.timestamps import CanCreateTimestamp
from eventsourcing.domain.upcasting import upcast
from eventsourcing.topics import get_topic

__all__ = ["CanSnapshotAggregate", "Snapshot"]

# These come from the snapshot's own fields.
_IDENTITY = ("_id", "_version", "_pending_events")


class CanSnapshotAggregate(HasOriginatorIDVersion[TAggregateID], CanCreateTimestamp):
    """Gives a class the power to keep the state of an aggregate, and to make it again."""

    if TYPE_CHECKING:

        def __init__(self, **kwargs: Any) -> None: ...
        @property
        def topic(self) -> str: ...
        @property
        def state(self) -> dict[str, Any]: ...

    @classmethod
    def take(cls, aggregate: Any) -> Self:
        """Return a snapshot of the aggregate; pending events are not part of it."""
        aggregate_class = type(aggregate)
        state = {name: value for name, value in vars(aggregate).items() if name not in _IDENTITY}
        class_version = getattr(aggregate_class, "class_version", 1)
        if class_version > 1:
            state["class_version"] = class_version
        return cls(
            originator_id=aggregate.id,
            originator_version=aggregate.version,
            timestamp=cls.create_timestamp(),
            topic=get_topic(aggregate_class),
            state=copy.deepcopy(state),
        )

    def mutate(self, aggregate: Any) -> Any:
        """Make the aggregate again; it takes over the values of the state."""
        del aggregate
        aggregate_class = find_aggregate_class(self.topic)
        state = upcast(aggregate_class, dict(self.state))
        made = object.__new__(aggregate_class)
        made.__dict__.update(
            state,
            _id=self.originator_id,
            _version=self.originator_version,
            _pending_events=[],
        )
        return made


class Snapshot(CanSnapshotAggregate[UUID], DomainEvent):
    """The state of an aggregate at a version."""

    # The public path, which stored topics name.
    __module__ = "eventsourcing.domain"

    if not TYPE_CHECKING:
        topic: str
        state: dict[str, Any]
