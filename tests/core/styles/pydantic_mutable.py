"""Aggregates whose events are Pydantic models, and check what they are given."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, StringConstraints

from eventsourcing.domain import (
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    CanSnapshotAggregate,
    HasOriginatorIDVersion,
    event,
)
from tests.core.styles.school import School

Word = Annotated[str, StringConstraints(min_length=1)]


class PydanticEvent(BaseModel, HasOriginatorIDVersion[UUID]):
    model_config = ConfigDict(frozen=True, extra="forbid")

    originator_id: UUID
    originator_version: int
    timestamp: datetime

    @classmethod
    def _from_dict(cls, state: dict[str, Any]) -> Self:
        return cls.model_validate(state)


class PydanticAggregate(BaseAggregate[UUID]):
    @staticmethod
    def create_id(*_: Any, **__: Any) -> UUID:
        return uuid4()

    class Event(PydanticEvent, CanMutateAggregate[UUID]):
        pass

    class Created(Event, CanInitAggregate[UUID]):
        originator_topic: str

    class Snapshot(PydanticEvent, CanSnapshotAggregate[UUID]):
        topic: str
        state: dict[str, Any]


class Dog(PydanticAggregate):
    @event("DogRegistered")
    def __init__(self, name: Word) -> None:
        self.name = name
        self.tricks: list[str] = []

    @event("TrickAdded")
    def add_trick(self, trick: Word) -> None:
        self.tricks.append(trick)


class DogSchool(School):
    dog_class = Dog
    snapshotting_intervals = {Dog: 2}


Place = TypeVar("Place")


class Cat(PydanticAggregate):
    """A cat whose events are related, generic, and of several versions."""

    def __init__(self) -> None:
        self.where: Any = None
        self.lives = 9

    class Moved(PydanticAggregate.Event, Generic[Place]):
        where: Place

        def apply(self, cat: "Cat") -> None:
            cat.where = self.where

    class Climbed(Moved[int]):
        class_version: ClassVar[int] = 2

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["where"] = int(state.pop("height"))

    class Hid(Moved[str]):
        pass
