"""Aggregates: what each of them has and does."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from eventsourcing.domain import (
    Aggregate,
    CollectEventsProtocol,
    ImmutableAggregateProtocol,
    MutableAggregateProtocol,
    event,
)


class Dog(Aggregate):
    """A dog."""

    @event("Registered")
    def __init__(self, name: str) -> None:
        self.name = name
        self._secret = "bone"

    @event("Renamed")
    def rename(self, name: str) -> None:
        self.name = name


def test_new_aggregate_has_id_version_and_times():
    dog = Dog("Fido")

    assert dog.version == 1
    assert dog.created_on == dog.modified_on == dog.pending_events[0].timestamp
    assert dog.pending_events[0].originator_id == dog.id


def test_command_moves_version_and_modification_time():
    dog = Dog("Fido")

    dog.rename("Buster")

    assert dog.version == 2
    assert dog.modified_on == dog.pending_events[1].timestamp >= dog.created_on


def test_collecting_gives_events_in_order_and_once():
    dog = Dog("Fido")
    dog.rename("Buster")

    collected = dog.collect_events()

    assert [each.originator_version for each in collected] == [1, 2]
    assert dog.collect_events() == []
    assert dog.pending_events == []


def test_values_of_an_event_are_checked():
    dog = Dog("Fido")

    with pytest.raises(TypeError, match="Can't construct event Dog.Renamed: .*'name'"):
        dog.trigger_event(Dog.Renamed)

    assert (dog.version, len(dog.pending_events)) == (1, 1)


def test_timestamp_can_be_given():
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    dog = Dog("Fido")

    dog.trigger_event(Dog.Renamed, name="Buster", timestamp=moment)

    assert dog.modified_on == moment


def test_version_and_modification_time_can_be_set():
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    dog = Dog("Fido")

    dog.version = 5
    dog.modified_on = moment

    assert (dog.version, dog.modified_on) == (5, moment)


def test_aggregates_are_equal_by_class_and_all_that_they_hold():
    dog = Dog("Fido")
    copy = dog.pending_events[0].mutate(None)

    assert copy != dog

    dog.collect_events()

    assert copy == dog
    assert dog != object()


def test_representation_shows_all_but_pending_events():
    dog = Dog("Fido")

    assert repr(dog) == (
        f"Dog(id={dog.id!r}, version=1, created_on={dog.created_on!r}, "
        f"modified_on={dog.modified_on!r}, name='Fido', secret='bone')"
    )


def test_aggregates_cannot_be_hashed():
    with pytest.raises(NotImplementedError, match="Dog can't be hashed, because it changes."):
        hash(Dog("Fido"))


def test_aggregates_keep_to_the_protocols():
    dog = Dog("Fido")

    assert isinstance(dog, MutableAggregateProtocol)
    assert isinstance(dog, ImmutableAggregateProtocol)
    assert isinstance(dog, CollectEventsProtocol)
    assert not isinstance(dog.pending_events[0], CollectEventsProtocol)


def test_super_init_may_be_called():
    class Cat(Aggregate):
        def __init__(self) -> None:
            super().__init__()
            self.awake = True

    assert Cat().awake


def test_failed_event_of_an_undecorated_class_leaves_nothing():
    class Cat(Aggregate):
        class Fed(Aggregate.Event):
            def apply(self, aggregate: "Cat") -> None:
                aggregate.version = 7
                raise ValueError("No fish")

    cat = Cat()

    with pytest.raises(ValueError, match="No fish"):
        cat.trigger_event(Cat.Fed)

    assert (cat.version, len(cat.pending_events)) == (1, 1)


def test_event_of_another_originator_is_not_triggered():
    dog = Dog("Fido")

    with pytest.raises(TypeError, match="Can't construct event Dog.Renamed"):
        dog.trigger_event(Dog.Renamed, name="Buster", originator_id=uuid4(), colour="brown")
