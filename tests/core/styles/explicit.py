"""Explicit style: commands trigger event classes, and each class says how it is applied."""

from eventsourcing.domain import Aggregate
from tests.core.styles.school import School


class Dog(Aggregate):
    @classmethod
    def register(cls, name: str) -> "Dog":
        return cls._create(cls.DogRegistered, name=name)

    class DogRegistered(Aggregate.Created):
        name: str

    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    def add_trick(self, trick: str) -> None:
        self.trigger_event(self.TrickAdded, trick=trick)

    class TrickAdded(Aggregate.Event):
        trick: str

        def apply(self, aggregate: "Dog") -> None:
            aggregate.tricks.append(self.trick)


class DogSchool(School):
    dog_class = Dog.register
    snapshotting_intervals = {Dog: 2}
