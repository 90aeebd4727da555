"""Aggregates whose events are structs of msgspec."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID, uuid4

import msgspec

from eventsourcing.domain import (
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    CanSnapshotAggregate,
    HasOriginatorIDVersion,
    event,
)
from tests.core.styles.school import School


class StructEvent(msgspec.Struct, HasOriginatorIDVersion[UUID], frozen=True):
    originator_id: UUID
    originator_version: int
    timestamp: datetime

    def _as_dict(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self)

    @classmethod
    def _from_dict(cls, state: dict[str, Any]) -> Self:
        return msgspec.convert(state, cls)


class StructAggregate(BaseAggregate[UUID]):
    @staticmethod
    def create_id(*_: Any, **__: Any) -> UUID:
        return uuid4()

    class Event(StructEvent, CanMutateAggregate[UUID], frozen=True):
        pass

    class Created(Event, CanInitAggregate[UUID], frozen=True):
        originator_topic: str

    class Snapshot(StructEvent, CanSnapshotAggregate[UUID], frozen=True):
        topic: str
        state: dict[str, Any]


class Dog(StructAggregate):
    @event("DogRegistered")
    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)


class DogSchool(School):
    dog_class = Dog
    snapshotting_intervals = {Dog: 2}
