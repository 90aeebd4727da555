"""Dataclass style: annotations on an aggregate's class make its ``__init__``."""

from dataclasses import InitVar, dataclass, field, fields, is_dataclass
from inspect import signature
from typing import ClassVar

import pytest

from eventsourcing.domain import Aggregate, ProgrammingError, event


class Dog(Aggregate):
    """A dog in dataclass style."""

    name: str
    age: int = 1
    tricks: list[str] = field(default_factory=list, init=False)

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)


def test_annotations_are_arguments_and_fields_of_the_created_event():
    dog = Dog("Fido", age=3)

    (created,) = dog.pending_events
    assert (dog.name, dog.age, dog.tricks) == ("Fido", 3, [])
    assert (created.name, created.age) == ("Fido", 3)
    assert not hasattr(created, "tricks")
    assert str(signature(Dog)) == "(name: str, age: int = 1)"


def test_class_without_docstring_shows_its_signature():
    class Cat(Aggregate):
        name: str

    assert Cat.__doc__ == "Cat(name: str)"


def test_class_is_a_dataclass():
    assert is_dataclass(Dog)
    assert [f.name for f in fields(Dog)] == ["name", "age", "tricks"]


def test_aggregates_in_dataclass_style_compare_as_aggregates():
    assert Dog("Fido") != Dog("Fido")


def test_default_factory_makes_a_value_for_the_event():
    class Cat(Aggregate):
        names: list[str] = field(default_factory=lambda: ["Tom"])

    cat = Cat()
    cat.names.append("Felix")

    assert cat.pending_events[0].names == ["Tom"]
    assert Cat().names == ["Tom"]


def test_explicit_dataclass_is_not_applied_twice():
    @dataclass
    class Cat(Aggregate):
        name: str
        toys: list[str] = field(default_factory=list)
        asleep: bool = field(default=False, init=False)

    cat = Cat("Tom")

    assert (cat.name, cat.toys, cat.asleep) == ("Tom", [], False)
    assert cat != Cat("Tom")
    assert repr(cat).startswith("Cat(id=UUID(")
    with pytest.raises(NotImplementedError):
        hash(cat)


def test_explicit_dataclass_chooses_its_options():
    @dataclass(kw_only=True)
    class Cat(Aggregate):
        name: str

    assert Cat(name="Tom").name == "Tom"
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        Cat("Tom")


def test_explicit_dataclass_may_stand_above_a_class_without_fields():
    @dataclass
    class Cat(Aggregate):
        def __init__(self, name: str) -> None:
            self.name = name

    assert Cat("Tom").name == "Tom"
    assert Cat("Tom") != Cat("Tom")


def test_slots_are_refused():
    with pytest.raises(ProgrammingError, match="Cat has __slots__, but events and snapshots need"):

        @dataclass(slots=True)
        class Cat(Aggregate):
            name: str


def test_subclass_adds_fields():
    class Puppy(Dog):
        mother: str = "Lassie"

    puppy = Puppy("Rex", mother="Bella")

    assert (puppy.name, puppy.mother) == ("Rex", "Bella")
    assert puppy.pending_events[0].mother == "Bella"


def test_subclass_without_fields_inherits_them():
    class Puppy(Dog):
        pass

    assert Puppy("Rex").name == "Rex"


def test_fields_of_two_bases_are_joined():
    class Named(Aggregate):
        name: str

    class Aged(Aggregate):
        age: int

    class Cat(Named, Aged):
        pass

    cat = Cat(name="Tom", age=3)

    assert (cat.name, cat.age) == ("Tom", 3)


def test_class_variables_alone_leave_the_inherited_init():
    class Animal(Aggregate):
        def __init__(self, name: str) -> None:
            self.name = name

    class Cat(Animal):
        legs: ClassVar[int] = 4
        sound: "ClassVar[str]" = "miaow"

    assert Cat("Tom").name == "Tom"


def test_class_with_an_init_keeps_it():
    class Cat(Aggregate):
        name: str
        toys: list[str]

        def __init__(self, name: str) -> None:
            self.name = name
            self.toys = []

    assert Cat("Tom").toys == []


def test_init_only_variables_are_kept_by_the_event():
    class Cat(Aggregate):
        name: InitVar[str]

        def __post_init__(self, name: str) -> None:
            self.title = f"Sir {name}"

    cat = Cat("Tom")

    assert cat.title == "Sir Tom"
    assert cat.pending_events[0].name == "Tom"


def test_keyword_only_fields():
    class Cat(Aggregate):
        name: str = field(kw_only=True)
        age: int

    cat = Cat(3, name="Tom")

    assert (cat.name, cat.age) == ("Tom", 3)


def test_decorated_post_init_is_not_needed():
    dog = Dog("Fido")
    dog.add_trick("sit")

    first, second = dog.collect_events()
    assert second.mutate(first.mutate(None)) == dog


def test_fields_without_default_may_follow_as_keywords():
    @dataclass(kw_only=True)
    class Dog(Aggregate):
        name: str = "Fido"
        age: int

    assert (Dog(age=3).name, Dog(age=3).age) == ("Fido", 3)
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'age'"):
        Dog()


def test_wrong_definition_is_refused_as_dataclasses_do():
    with pytest.raises(ValueError, match="mutable default <class 'list'> for field tricks"):

        class Dog(Aggregate):
            tricks: list[str] = []


def test_default_factory_is_kept_where_fields_follow_as_keywords():
    @dataclass(kw_only=True)
    class Dog(Aggregate):
        tricks: list[str] = field(default_factory=list)
        age: int

    assert Dog(age=3).tricks == []
