"""``@aggregate``: a plain class becomes an aggregate's."""

from dataclasses import dataclass, field

import pytest

from eventsourcing.domain import Aggregate, aggregate, event


@aggregate
class Dog:
    """A dog in a plain class."""

    @event("Registered")
    def __init__(self, name: str) -> None:
        self.name = name

    @event("Renamed")
    def rename(self, name: str) -> None:
        self.name = name


def test_plain_class_becomes_an_aggregates():
    dog = Dog("Fido")
    dog.rename("Buster")

    assert isinstance(dog, Aggregate)
    assert dog.name == "Buster"
    assert [type(each) for each in dog.pending_events] == [Dog.Registered, Dog.Renamed]
    assert (Dog.__name__, Dog.__doc__) == ("Dog", "A dog in a plain class.")
    assert Dog.__module__ == __name__


def test_instances_show_and_compare_themselves():
    dog = Dog("Fido")

    assert vars(dog)["name"] == "Fido"
    assert "name='Fido'" in repr(dog)
    assert dog == dog
    assert dog != Dog("Fido")


def test_created_event_can_be_named():
    @aggregate(created_event_name="Registered")
    class Cat:
        def __init__(self, name: str) -> None:
            self.name = name

    assert type(Cat("Tom").pending_events[0]) is Cat.Registered


def test_brackets_may_be_empty():
    @aggregate()
    class Cat:
        name: str

    assert Cat(name="Tom").name == "Tom"


def test_stands_above_dataclass():
    @aggregate
    @dataclass
    class Cat:
        name: str
        toys: list[str] = field(default_factory=list)

    cat = Cat("Tom")

    assert (cat.name, cat.toys, cat.pending_events[0].name) == ("Tom", [], "Tom")
    assert cat != Cat("Tom")
    assert repr(cat).startswith("Cat(id=UUID(")
    assert vars(cat)["toys"] == []


def test_stands_below_dataclass():
    @dataclass
    @aggregate
    class Cat:
        name: str
        toys: list[str] = field(default_factory=list)

    cat = Cat("Tom")

    assert (cat.name, cat.toys) == ("Tom", [])
    assert cat != Cat("Tom")


def test_comparison_of_the_class_itself_is_kept():
    @aggregate
    @dataclass
    class Cat:
        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Cat) and other.name == self.name

        __hash__ = None

    assert Cat("Tom") == Cat("Tom")


def test_super_finds_the_class():
    class Animal:
        def greet(self) -> str:
            return "Hello"

    @aggregate
    class Cat(Animal):
        def greet(self) -> str:
            return super().greet() + ", human"

        @classmethod
        def kind(cls) -> type:
            return __class__

        @property
        def greeting(self) -> str:
            return super().greet()

        @event("Fed")
        def feed(self) -> None:
            self.heard = super().greet()

        @greeting.setter
        @event("Taught")
        def greeting(self, text: str) -> None:
            self.learnt = super().greet() + text

    cat = Cat()
    cat.feed()
    cat.greeting = "!"

    assert cat.greet() == "Hello, human"
    assert cat.greeting == cat.heard == "Hello"
    assert cat.learnt == "Hello!"
    assert Cat.kind() is Cat


def test_slots_give_way():
    @aggregate
    class Cat:
        __slots__ = ("name",)

        def __init__(self, name: str) -> None:
            self.name = name

    assert vars(Cat("Tom"))["name"] == "Tom"


def test_aggregate_is_refused():
    with pytest.raises(TypeError, match="Cat is already an Aggregate. Remove @aggregate."):

        @aggregate
        class Cat(Aggregate):
            pass


def test_something_else_is_refused():
    with pytest.raises(TypeError, match="@aggregate got 'Cat'. Use it on a class."):
        aggregate("Cat")
