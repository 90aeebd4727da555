"""Dataclass style: annotations are the aggregate's attributes, and its created event's fields."""

from dataclasses import dataclass, field

from eventsourcing.domain import Aggregate, event
from tests.core.styles.school import School


@dataclass
class Dog(Aggregate, created_event_name="DogRegistered"):
    name: str
    tricks: list[str] = field(default_factory=list, init=False)

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)


class DogSchool(School):
    dog_class = Dog
    snapshotting_intervals = {Dog: 2}
