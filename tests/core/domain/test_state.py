"""State: what an event holds, and the event that is made of it again."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID, uuid4

import pytest

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, CanMutateAggregate, event
from eventsourcing.domain.state import event_from_state, event_state


@dataclass(frozen=True)
class Plain:
    originator_id: UUID
    originator_version: int
    food: str


@dataclass(frozen=True, slots=True)
class Slotted:
    originator_id: UUID
    originator_version: int
    food: str


@dataclass(frozen=True, slots=True)
class SlottedMutation(CanMutateAggregate[UUID]):
    originator_id: UUID
    originator_version: int
    timestamp: datetime


class Dog(Aggregate):
    class Fed(Aggregate.Event):
        food: str
        kind: int = field(default=3, init=False)
        bowls: list[str] = field(default_factory=list, init=False)
        limit: ClassVar[int] = 5

        @property
        def grams(self) -> int:
            return 100

    @dataclass(frozen=True, slots=True)
    class Walked(Aggregate.Event):
        metres: int

    @event(Walked)
    def walk(self, metres: int) -> None:
        self.metres = metres


@pytest.mark.parametrize(
    "happened",
    [
        Plain(uuid4(), 1, "fish"),
        Slotted(uuid4(), 1, "fish"),
        SlottedMutation(uuid4(), 1, datetime.now(UTC)),
        Dog.Fed(uuid4(), 1, datetime.now(UTC), "fish"),
        Dog.Walked(uuid4(), 1, datetime.now(UTC), 100),
    ],
)
def test_an_event_is_made_again_of_its_state(happened):
    app = Application()
    app.save(happened)

    (read,) = app.events.get(happened.originator_id)

    assert read == happened
    assert type(read) is type(happened)


def test_class_variables_and_fixed_fields_are_no_part_of_it():
    fed = Dog.Fed(uuid4(), 1, datetime.now(UTC), "fish")

    assert [*event_state(fed)][3:] == ["food", "bowls"]
    assert fed.kind == 3


def test_a_command_with_slots():
    dog = Dog()
    dog.walk(100)
    app = Application()
    app.save(dog)

    assert app.repository.get(dog.id).metres == 100


def test_a_property_may_take_the_place_of_what_was_stored():
    fed = Dog.Fed(uuid4(), 1, datetime.now(UTC), "fish")

    read = event_from_state(Dog.Fed, {**event_state(fed), "grams": 70})

    assert read.grams == 100


def test_state_that_lacks_a_field_is_refused():
    with pytest.raises(ValueError, match="^the state lacks food, originator_version$"):
        event_from_state(Plain, {"originator_id": uuid4()})


def test_the_state_may_be_changed():
    fed = Plain(uuid4(), 1, "fish")

    event_state(fed).clear()

    assert fed.food == "fish"
