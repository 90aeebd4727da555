"""Immutable style: frozen aggregates, which their events replace by others."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.application import Application


@dataclass(frozen=True, kw_only=True)
class Dog:
    id: UUID
    version: int
    created_on: datetime
    modified_on: datetime
    name: str
    tricks: tuple[str, ...] = ()

    @staticmethod
    def register(name: str) -> "DogRegistered":
        return DogRegistered(uuid4(), 1, datetime.now(UTC), name)

    def add_trick(self, trick: str) -> "TrickAdded":
        return TrickAdded(self.id, self.version + 1, datetime.now(UTC), trick)


@dataclass(frozen=True)
class DogEvent:
    originator_id: UUID
    originator_version: int
    timestamp: datetime

    def mutate(self, dog: Any) -> Dog:
        return replace(
            dog, version=self.originator_version, modified_on=self.timestamp, **self.changes(dog)
        )

    def changes(self, dog: Dog) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class DogRegistered(DogEvent):
    name: str

    def mutate(self, dog: None) -> Dog:
        return Dog(
            id=self.originator_id,
            version=self.originator_version,
            created_on=self.timestamp,
            modified_on=self.timestamp,
            name=self.name,
        )


@dataclass(frozen=True)
class TrickAdded(DogEvent):
    trick: str

    def changes(self, dog: Dog) -> dict[str, Any]:
        return {"tricks": (*dog.tricks, self.trick)}


@dataclass(frozen=True)
class DogSnapshot(DogEvent):
    state: dict[str, Any]

    @classmethod
    def take(cls, dog: Dog) -> "DogSnapshot":
        return cls(dog.id, dog.version, datetime.now(UTC), vars(dog) | {"tricks": [*dog.tricks]})

    def mutate(self, dog: None) -> Dog:
        return Dog(**self.state | {"tricks": tuple(self.state["tricks"])})


class DogSchool(Application):
    is_snapshotting_enabled = True
    snapshotting_intervals = {Dog: 2}
    snapshot_class = DogSnapshot

    def register_dog(self, name: str) -> UUID:
        registered = Dog.register(name)
        self.save(registered)
        return registered.originator_id

    def add_trick(self, dog_id: UUID, trick: str) -> None:
        self.record_trick(dog_id, trick)

    def record_trick(self, dog_id: UUID, trick: str):
        dog = self.find(dog_id)
        added = dog.add_trick(trick)
        return self.save(added.mutate(dog), added)

    def find(self, dog_id: UUID, version: int | None = None) -> Dog:
        return self.repository.get(dog_id, version=version)

    def get_dog(self, dog_id: UUID, version: int | None = None):
        dog = self.find(dog_id, version)
        return dog.name, dog.tricks, dog.version
