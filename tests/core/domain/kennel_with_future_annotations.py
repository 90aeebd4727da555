"""Aggregates of a module whose annotations are text, some of names that come later."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, ClassVar

from eventsourcing.domain import Aggregate, event

if TYPE_CHECKING:
    from uuid import UUID


class Dog(Aggregate):
    @event("Registered")
    def __init__(self, name: str, breed: Breed) -> None:
        self.name = name
        self.breed = breed

    class Vaccinated(Aggregate.Event):
        against: list[Disease]
        count: ClassVar[int] = 0

        def apply(self, aggregate: Dog) -> None:
            aggregate.protected = self.against

    def vaccinate(self, against: list[Disease]) -> None:
        self.trigger_event(self.Vaccinated, against=against)


@dataclass
class Kennel(Aggregate):
    id: UUID
    name: str
    dogs: list[Dog] = field(default_factory=list, init=False)
    size: InitVar[int] = 3
    limit: ClassVar[int] = 10

    def __post_init__(self, size: int) -> None:
        self.places = min(size, self.limit)

    @event("Housed")
    def house(self, dog: Dog, *, warm: bool = True) -> None:
        self.dogs.append(dog)


class Breed:
    """Defined after the aggregates that name it."""


class Disease:
    """Defined after the aggregates that name it."""
