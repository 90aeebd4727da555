"""Plain classes, of which a decorator makes aggregates."""

from eventsourcing.domain import aggregate, event
from tests.core.styles.school import School


@aggregate(created_event_name="DogRegistered")
class Dog:
    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)


class DogSchool(School):
    dog_class = Dog
    snapshotting_intervals = {Dog: 2}
