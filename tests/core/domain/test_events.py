"""Domain events: frozen values with the identity of what they happened to."""

from dataclasses import FrozenInstanceError, dataclass, field
from datetime import UTC, datetime
from inspect import signature
from uuid import UUID, uuid4

import pytest

from eventsourcing.domain import (
    Aggregate,
    CanMutateAggregate,
    DomainEvent,
    DomainEventProtocol,
    LogEvent,
)

MOMENT = datetime(2020, 1, 1, tzinfo=UTC)


class Barked(DomainEvent):
    """A dog made itself heard."""

    times: int


def test_subclass_with_annotations_has_further_fields():
    id_ = uuid4()

    barked = Barked(id_, 3, MOMENT, 2)

    assert (barked.originator_id, barked.originator_version) == (id_, 3)
    assert (barked.timestamp, barked.times) == (MOMENT, 2)
    assert list(signature(Barked).parameters)[-1] == "times"


def test_event_does_not_change():
    barked = Barked(uuid4(), 3, MOMENT, 2)

    with pytest.raises(FrozenInstanceError):
        barked.times = 3


def test_events_with_equal_values_are_equal():
    id_ = uuid4()

    assert Barked(id_, 3, MOMENT, 2) == Barked(id_, 3, MOMENT, 2)
    assert hash(Barked(id_, 3, MOMENT, 2)) == hash(Barked(id_, 3, MOMENT, 2))
    assert Barked(id_, 3, MOMENT, 2) != Barked(id_, 3, MOMENT, 3)


def test_originator_id_is_a_uuid():
    with pytest.raises(TypeError, match="Barked got 'dog-1' as originator_id. Give a UUID, or"):
        Barked("dog-1", 1, MOMENT, 2)


def test_state_lives_in_the_dictionary():
    barked = Barked(uuid4(), 3, MOMENT, 2)

    again = object.__new__(Barked)
    again.__dict__.update(barked._as_dict())

    assert again == barked


def test_as_dict_may_be_changed():
    barked = Barked(uuid4(), 3, MOMENT, 2)

    barked._as_dict().clear()

    assert barked.times == 2


def test_class_version_is_one_unless_stated():
    assert Barked.class_version == 1


def test_class_variables_are_not_fields():
    class Whined(DomainEvent):
        class_version = 2

    assert "class_version" not in Whined.__dataclass_fields__


def test_explicit_dataclass_is_not_applied_twice():
    @dataclass(frozen=True)
    class Howled(DomainEvent):
        tones: list[str] = field(default_factory=list)
        loud: bool = field(default=True, repr=False)

    howled = Howled(uuid4(), 1, MOMENT)

    assert howled.tones == []
    assert howled.loud is True
    assert "loud" not in repr(howled)
    with pytest.raises(FrozenInstanceError):
        howled.loud = False


def test_default_factory_serves_when_the_event_is_triggered():
    class Dog(Aggregate):
        class Howled(Aggregate.Event):
            tones: list[str] = field(default_factory=lambda: ["high"])

    dog = Dog()
    dog.trigger_event(Dog.Howled)

    assert dog.pending_events[-1].tones == ["high"]


def test_class_with_bases_of_different_fields_has_them_all():
    class Named(DomainEvent):
        name: str

    class NamedAndBarked(Named, Barked):
        pass

    both = NamedAndBarked(
        originator_id=uuid4(), originator_version=1, timestamp=MOMENT, name="Fido", times=2
    )

    assert (both.name, both.times) == ("Fido", 2)


def test_type_of_the_ids_is_recorded():
    class TextEvent(CanMutateAggregate[str]):
        pass

    assert TextEvent.originator_id_type is str
    assert Aggregate.Event.originator_id_type is UUID


def test_other_type_of_ids_is_refused():
    with pytest.raises(TypeError, match="IntEvent states int as the type of its originators' ids"):

        class IntEvent(CanMutateAggregate[int]):
            pass


def test_events_and_snapshots_keep_to_the_protocol():
    assert isinstance(Barked(uuid4(), 3, MOMENT, 2), DomainEventProtocol)


def test_log_event_is_deprecated():
    with pytest.warns(DeprecationWarning, match="LogEvent is deprecated. Use DomainEvent."):

        class Logged(LogEvent):
            pass
