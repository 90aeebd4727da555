"""Annotations: text, names that come later, names that never come."""

from dataclasses import fields
from datetime import datetime
from typing import Generic, TypeVar, get_type_hints
from uuid import UUID, uuid4

from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper, UUIDAsHex
from tests.core.domain import kennel_with_future_annotations as kennels
from tests.core.domain.test_replay import replay

T = TypeVar("T")


def names(event_class) -> list[str]:
    return [each.name for each in fields(event_class)][3:]


def stored_and_read(events):
    transcoder = JSONTranscoder()
    transcoder.register(UUIDAsHex())
    transcoder.register(DatetimeAsISO())
    mapper = Mapper(transcoder)
    return [mapper.to_domain_event(mapper.to_stored_event(each)) for each in events]


def test_annotations_that_are_text_are_fields():
    assert names(kennels.Dog.Registered) == ["originator_topic", "name", "breed"]
    assert names(kennels.Dog.Vaccinated) == ["against"]


def test_annotations_that_are_text_can_be_resolved():
    hints = get_type_hints(kennels.Dog.Registered)

    assert (hints["breed"], hints["originator_id"], hints["timestamp"]) == (
        kennels.Breed,
        UUID,
        datetime,
    )


def test_commands_of_a_module_with_text_annotations_replay():
    dog = kennels.Dog("Fido", "terrier")
    dog.vaccinate(["rabies"])
    events = dog.collect_events()

    assert replay(stored_and_read(events)) == dog
    assert dog.protected == ["rabies"]


def test_dataclass_of_a_module_with_text_annotations():
    kennel = kennels.Kennel(id=uuid4(), name="West", size=20)
    kennel.house("Fido")
    events = kennel.collect_events()

    assert replay(stored_and_read(events)) == kennel
    assert (kennel.name, kennel.dogs, kennel.places) == ("West", ["Fido"], 10)
    assert (events[0].size, events[1].warm) == (20, True)
    assert not hasattr(events[0], "dogs")


def test_annotation_may_name_the_class_itself():
    class Dog(Aggregate):
        @event("Registered")
        def __init__(self, mother: "Dog | None" = None) -> None:
            self.mother = mother

        @event("Befriended")
        def befriend(self, other: "Dog") -> "Dog":
            self.friend = other

    dog = Dog()
    dog.befriend("Rex")

    assert dog.friend == "Rex"
    assert names(Dog.Befriended) == ["other"]


def test_annotation_may_name_what_is_never_defined():
    class Dog(Aggregate):
        @event("Fed")
        def feed(self, food: "Nowhere") -> None:  # noqa: F821
            self.food = food

    dog = Dog()
    dog.feed("fish")

    assert replay(dog.collect_events()).food == "fish"


def test_generic_base_with_commands():
    class Box(Aggregate, Generic[T]):
        def __init__(self, content: T) -> None:
            self.content = content

        @event("Replaced")
        def replace(self, content: T) -> None:
            self.content = content

    class BoxOfInts(Box[int]):
        pass

    box = BoxOfInts(1)
    box.replace(2)
    events = box.collect_events()

    assert [type(each).__qualname__.rpartition(">.")[2] for each in events] == [
        "BoxOfInts.Created",
        "BoxOfInts.Replaced",
    ]
    assert replay(events) == box


def test_generic_event_class():
    class Dog(Aggregate):
        class Given(Aggregate.Event, Generic[T]):
            value: T

        class NumberGiven(Given[int]):
            pass

        @event(NumberGiven)
        def give(self, value: int) -> None:
            self.value = value

    dog = Dog()
    dog.give(3)

    assert isinstance(dog.pending_events[1], Dog.Given)
    assert isinstance(dog.pending_events[1], Dog.Event)
    assert replay(dog.collect_events()) == dog
