"""Declarative style: decorated methods are commands, and say how their events are applied."""

from eventsourcing.domain import Aggregate, event
from tests.core.styles.school import School


class Dog(Aggregate):
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
