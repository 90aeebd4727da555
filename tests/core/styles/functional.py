"""Functional style: commands are functions that give events, and a projector applies them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce, singledispatch
from uuid import UUID, uuid4

from eventsourcing.application import Application


@dataclass(frozen=True)
class Dog:
    id: UUID
    version: int
    name: str
    tricks: tuple[str, ...]


@dataclass(frozen=True)
class DogEvent:
    originator_id: UUID
    originator_version: int
    timestamp: datetime


@dataclass(frozen=True)
class DogRegistered(DogEvent):
    name: str


@dataclass(frozen=True)
class TrickAdded(DogEvent):
    trick: str


@dataclass(frozen=True)
class DogSnapshot(DogEvent):
    name: str
    tricks: list[str]

    @classmethod
    def take(cls, dog: Dog) -> "DogSnapshot":
        return cls(dog.id, dog.version, datetime.now(UTC), dog.name, list(dog.tricks))


def register_dog(name: str) -> DogRegistered:
    return DogRegistered(uuid4(), 1, datetime.now(UTC), name)


def add_trick(dog: Dog, trick: str) -> TrickAdded:
    return TrickAdded(dog.id, dog.version + 1, datetime.now(UTC), trick)


@singledispatch
def apply(event: DogEvent, dog: Dog | None) -> Dog | None:
    raise TypeError(f"A dog knows nothing of {event!r}.")


@apply.register
def _(event: DogRegistered, dog: None) -> Dog:
    return Dog(event.originator_id, event.originator_version, event.name, ())


@apply.register
def _(event: TrickAdded, dog: Dog) -> Dog:
    return replace(dog, version=event.originator_version, tricks=(*dog.tricks, event.trick))


@apply.register
def _(event: DogSnapshot, dog: None) -> Dog:
    return Dog(event.originator_id, event.originator_version, event.name, tuple(event.tricks))


def project_dog(dog: Dog | None, events: Iterable[DogEvent]) -> Dog | None:
    return reduce(lambda dog, event: apply(event, dog), events, dog)


class DogSchool(Application):
    snapshotting_intervals = {Dog: 2}
    snapshotting_projectors = {Dog: project_dog}
    snapshot_class = DogSnapshot

    def register_dog(self, name: str) -> UUID:
        registered = register_dog(name)
        self.save(registered)
        return registered.originator_id

    def add_trick(self, dog_id: UUID, trick: str) -> None:
        self.record_trick(dog_id, trick)

    def record_trick(self, dog_id: UUID, trick: str):
        dog = self.find(dog_id)
        added = add_trick(dog, trick)
        # The dog goes with its event, so that the application knows whose snapshot is due.
        return self.save(apply(added, dog), added)

    def find(self, dog_id: UUID, version: int | None = None) -> Dog:
        return self.repository.get(dog_id, version=version, projector_func=project_dog)

    def get_dog(self, dog_id: UUID, version: int | None = None):
        dog = self.find(dog_id, version)
        return dog.name, dog.tricks, dog.version
