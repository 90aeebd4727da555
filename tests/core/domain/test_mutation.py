"""Mutation: an event changes the aggregate that it belongs to, and in its order alone."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from eventsourcing.domain import (
    Aggregate,
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    OriginatorIDError,
    OriginatorVersionError,
    event,
)

MOMENT = datetime(2020, 1, 1, tzinfo=UTC)


class Dog(Aggregate):
    """A dog that can be fed."""

    class Fed(Aggregate.Event):
        """The dog was fed."""

    class Died(Aggregate.Event):
        """The dog is no more."""

        def mutate(self, aggregate: "Dog") -> None:
            super().mutate(aggregate)


def fed(dog: Dog, **values) -> Dog.Fed:
    return Dog.Fed(
        **{"originator_id": dog.id, "originator_version": dog.version + 1, "timestamp": MOMENT}
        | values
    )


def test_event_moves_version_and_modification_time():
    dog = Dog()

    changed = fed(dog).mutate(dog)

    assert changed is dog
    assert (dog.version, dog.modified_on) == (2, MOMENT)


def test_event_of_another_aggregate_is_refused():
    dog = Dog()
    other = uuid4()

    with pytest.raises(OriginatorIDError) as caught:
        fed(dog, originator_id=other).mutate(dog)

    assert caught.value.args == (other, dog.id)
    assert dog.version == 1


@pytest.mark.parametrize("version", [1, 3])
def test_event_out_of_order_is_refused(version):
    dog = Dog()

    with pytest.raises(OriginatorVersionError) as caught:
        fed(dog, originator_version=version).mutate(dog)

    assert caught.value.args == (version, 2)
    assert dog.version == 1


def test_event_needs_an_aggregate():
    with pytest.raises(TypeError, match="Dog.Fed changes an aggregate, and there is none"):
        fed(Dog()).mutate(None)


def test_created_event_needs_no_aggregate():
    dog = Dog()

    with pytest.raises(TypeError, match="Dog.Created makes an aggregate, and there is one already"):
        dog.pending_events[0].mutate(dog)


def test_mutate_may_end_an_aggregate():
    dog = Dog()

    assert Dog.Died(dog.id, 2, MOMENT).mutate(dog) is None


def test_apply_runs_before_the_version_moves():
    seen = []

    class Cat(Aggregate):
        class Fed(Aggregate.Event):
            def apply(self, aggregate: "Cat") -> None:
                seen.append(aggregate.version)

    Cat().trigger_event(Cat.Fed)

    assert seen == [1]


def test_created_event_is_applied_after_init():
    class Cat(Aggregate):
        class Born(Aggregate.Created):
            def apply(self, aggregate: "Cat") -> None:
                aggregate.names.append("Kitty")

        def __init__(self) -> None:
            self.names = []

    assert Cat().names == ["Kitty"]


def test_init_gets_id_and_timestamp_where_it_names_them():
    class Cat(Aggregate):
        def __init__(self, name, timestamp=None, id=None) -> None:  # noqa: A002
            self.seen = (name, timestamp, id)

    cat = Cat("Tom")

    assert cat.seen == ("Tom", cat.created_on, cat.id)


def test_aggregates_with_text_ids_have_events_of_their_own():
    @dataclass(frozen=True)
    class TextEvent:
        originator_id: str
        originator_version: int
        timestamp: datetime

    @dataclass(frozen=True)
    class TextCreated(TextEvent):
        originator_topic: str

    class TextAggregate(BaseAggregate[str]):
        @dataclass(frozen=True)
        class Event(TextEvent, CanMutateAggregate[str]):
            pass

        @dataclass(frozen=True)
        class Created(TextCreated, Event, CanInitAggregate[str]):
            pass

    class Cat(TextAggregate):
        @dataclass(frozen=True)
        class Fed(TextAggregate.Event):
            food: str

        @dataclass(frozen=True)
        class Born(TextAggregate.Created):
            name: str

        @event(Born)
        def __init__(self, name: str) -> None:
            self.name = name

        @staticmethod
        def create_id(name: str) -> str:
            return f"cat-{name}"

        @event(Fed)
        def feed(self, food: str) -> None:
            self.food = food

    cat = Cat("Tom")
    cat.feed("fish")
    copy = None
    for each in cat.collect_events():
        copy = each.mutate(copy)

    assert cat.id == "cat-Tom"
    assert copy == cat
    assert (copy.name, copy.food, copy.version) == ("Tom", "fish", 2)
