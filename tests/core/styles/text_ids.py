"""Aggregates with ids that are text, by base classes of events of their own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from eventsourcing.domain import (
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    CanSnapshotAggregate,
    event,
)
from tests.core.styles.school import School


@dataclass(frozen=True)
class TextEvent:
    originator_id: str
    originator_version: int
    timestamp: datetime


class TextAggregate(BaseAggregate[str]):
    @dataclass(frozen=True)
    class Event(TextEvent, CanMutateAggregate[str]):
        pass

    @dataclass(frozen=True)
    class Created(Event, CanInitAggregate[str]):
        originator_topic: str

    @dataclass(frozen=True)
    class Snapshot(TextEvent, CanSnapshotAggregate[str]):
        topic: str
        state: dict[str, Any]


class Dog(TextAggregate):
    @staticmethod
    def create_id(name: str) -> str:
        return f"dog-{name.lower()}-{uuid4()}"

    @dataclass(frozen=True)
    class DogRegistered(TextAggregate.Created):
        name: str

    @event(DogRegistered)
    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    @dataclass(frozen=True)
    class TrickAdded(TextAggregate.Event):
        trick: str

    @event(TrickAdded)
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)


class DogSchool(School):
    dog_class = Dog
    snapshotting_intervals = {Dog: 2}
