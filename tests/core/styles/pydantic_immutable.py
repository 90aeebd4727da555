"""Frozen Pydantic models, as events and as aggregates, stored by a transcoder of Pydantic's own."""

from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4

import pydantic_core
from pydantic import BaseModel, ConfigDict

from eventsourcing.application import Application
from eventsourcing.domain import HasOriginatorIDVersion
from eventsourcing.persistence import Transcoder


class Immutable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trick(Immutable):
    name: str
    learned_on: datetime


class Dog(Immutable):
    id: UUID
    version: int
    name: str
    tricks: tuple[Trick, ...] = ()

    def add_trick(self, name: str) -> "TrickAdded":
        now = datetime.now(UTC)
        return TrickAdded(
            originator_id=self.id,
            originator_version=self.version + 1,
            timestamp=now,
            trick=Trick(name=name, learned_on=now),
        )


class DogEvent(Immutable, HasOriginatorIDVersion[UUID]):
    originator_id: UUID
    originator_version: int
    timestamp: datetime

    @classmethod
    def _from_dict(cls, state: dict[str, Any]) -> Self:
        return cls.model_validate(state)


class DogRegistered(DogEvent):
    name: str

    def mutate(self, dog: None) -> Dog:
        return Dog(id=self.originator_id, version=self.originator_version, name=self.name)


class TrickAdded(DogEvent):
    trick: Trick

    def mutate(self, dog: Dog) -> Dog:
        return dog.model_copy(
            update={"version": self.originator_version, "tricks": (*dog.tricks, self.trick)}
        )


class DogSnapshot(DogEvent):
    dog: Dog

    @classmethod
    def take(cls, dog: Dog) -> "DogSnapshot":
        return cls(
            originator_id=dog.id,
            originator_version=dog.version,
            timestamp=datetime.now(UTC),
            dog=dog,
        )

    def mutate(self, dog: None) -> Dog:
        return self.dog


class PydanticTranscoder(Transcoder):
    """Writes JSON without names of types: the models know the types of their fields."""

    def encode(self, obj: Any) -> bytes:
        return pydantic_core.to_json(obj)

    def decode(self, data: bytes) -> Any:
        return pydantic_core.from_json(data)


class DogSchool(Application):
    snapshotting_intervals = {Dog: 2}
    snapshot_class = DogSnapshot

    def construct_transcoder(self) -> Transcoder:
        return PydanticTranscoder()

    def register_dog(self, name: str) -> UUID:
        registered = DogRegistered(
            originator_id=uuid4(), originator_version=1, timestamp=datetime.now(UTC), name=name
        )
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
        return dog.name, tuple(trick.name for trick in dog.tricks), dog.version
