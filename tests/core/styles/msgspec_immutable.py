"""Frozen structs of msgspec, as events and as aggregates, stored by msgspec itself."""

from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4

import msgspec

from eventsourcing.application import Application
from eventsourcing.domain import HasOriginatorIDVersion
from eventsourcing.persistence import Transcoder


class Trick(msgspec.Struct, frozen=True):
    name: str
    learned_on: datetime


class Dog(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    name: str
    tricks: tuple[Trick, ...] = ()

    def add_trick(self, name: str) -> "TrickAdded":
        now = datetime.now(UTC)
        return TrickAdded(self.id, self.version + 1, now, Trick(name, now))


class DogEvent(msgspec.Struct, HasOriginatorIDVersion[UUID], frozen=True):
    originator_id: UUID
    originator_version: int
    timestamp: datetime

    def _as_dict(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self)

    @classmethod
    def _from_dict(cls, state: dict[str, Any]) -> Self:
        return msgspec.convert(state, cls)


class DogRegistered(DogEvent, frozen=True):
    name: str

    def mutate(self, dog: None) -> Dog:
        return Dog(self.originator_id, self.originator_version, self.name)


class TrickAdded(DogEvent, frozen=True):
    trick: Trick

    def mutate(self, dog: Dog) -> Dog:
        return msgspec.structs.replace(
            dog, version=self.originator_version, tricks=(*dog.tricks, self.trick)
        )


class DogSnapshot(DogEvent, frozen=True):
    dog: Dog

    @classmethod
    def take(cls, dog: Dog) -> "DogSnapshot":
        return cls(dog.id, dog.version, datetime.now(UTC), dog)

    def mutate(self, dog: None) -> Dog:
        return self.dog


class MsgspecTranscoder(Transcoder):
    """Writes MessagePack without names of types: the structs know the types of their fields."""

    def encode(self, obj: Any) -> bytes:
        return msgspec.msgpack.encode(obj)

    def decode(self, data: bytes) -> Any:
        return msgspec.msgpack.decode(data)


class DogSchool(Application):
    snapshotting_intervals = {Dog: 2}
    snapshot_class = DogSnapshot

    def construct_transcoder(self) -> Transcoder:
        return MsgspecTranscoder()

    def register_dog(self, name: str) -> UUID:
        registered = DogRegistered(uuid4(), 1, datetime.now(UTC), name)
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
