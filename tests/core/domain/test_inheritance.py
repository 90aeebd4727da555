"""Inheritance: towers of aggregates, and what is mixed into them."""

from abc import ABC, ABCMeta, abstractmethod
from dataclasses import dataclass
from itertools import pairwise

import pytest

from eventsourcing.domain import Aggregate, MetaAggregate, event
from tests.core.domain.test_replay import replay


class Animal(Aggregate):
    @event("Born")
    def __init__(self, name: str) -> None:
        self.name = name
        self.log = []

    @event("Fed")
    def feed(self, food: str) -> None:
        self.log.append(("Animal", food))


class Named:
    """Mixed in; has a property, a decorated setter and a plain method."""

    @property
    def title(self) -> str:
        return f"{self.name}!"

    @title.setter
    @event("Titled")
    def title(self, title: str) -> None:
        self.name = title

    @event("Greeted")
    def greet(self, whom: str = "all", *, loudly: bool = False) -> None:
        self.log.append((whom, loudly))


class Mammal(Named, Animal):
    @event("Suckled")
    def suckle(self) -> None:
        self.log.append("milk")


class Dog(Mammal):
    @event("Registered")
    def __init__(self, name: str, chip: int = 0) -> None:
        self.name = name
        self.chip = chip
        self.log = []

    class Fed(Mammal.Fed):
        """The same, of a dog."""

        @property
        def is_meat(self) -> bool:
            return self.food == "meat"


class Puppy(Dog):
    class Weaned(Dog.Suckled):
        day: int = 1

        def apply(self, aggregate: "Puppy") -> None:
            aggregate.log.append(("weaned", self.day))


TOWER = [Animal, Mammal, Dog, Puppy]


@pytest.mark.parametrize("cls", TOWER)
def test_each_class_has_its_own_copies(cls):
    animal = cls("Fido")
    animal.feed("meat")

    for each in animal.pending_events:
        assert type(each).__qualname__.split(".")[0] == cls.__name__
        assert isinstance(each, cls.Event)
    assert replay(animal.collect_events()) == animal


@pytest.mark.parametrize("cls", TOWER)
def test_no_event_class_is_shared_with_a_base(cls):
    names = {name for name in dir(cls) if isinstance(getattr(cls, name), type(Aggregate.Event))} - {
        "Snapshot",
        "Created",
        "Born",
    }

    assert {"Event", "Fed"} <= names <= vars(cls).keys()


def test_copies_descend_from_those_of_the_bases():
    for above, below in pairwise(TOWER):
        assert issubclass(below.Event, above.Event)
        assert issubclass(below.Fed, above.Fed)


def test_created_event_of_the_nearest_init_is_inherited():
    puppy = Puppy("Fido", chip=7)

    assert type(puppy.pending_events[0]) is Puppy.Registered
    assert (puppy.name, puppy.chip) == ("Fido", 7)


def test_refined_event_keeps_what_it_adds_in_subclasses():
    puppy = Puppy("Fido")
    puppy.feed("meat")

    assert puppy.pending_events[1].is_meat
    assert puppy.log == [("Animal", "meat")]


def test_property_and_keyword_only_default_of_a_mixin():
    puppy = Puppy("Fido")
    puppy.title = "Sir Fido"
    puppy.greet(loudly=True)
    puppy.greet("you")

    assert puppy.title == "Sir Fido!"
    assert puppy.log == [("all", True), ("you", False)]
    assert replay(puppy.collect_events()) == puppy


def test_event_of_a_subclass_that_refines_a_decorated_one():
    puppy = Puppy("Fido")
    puppy.trigger_event(Puppy.Weaned, day=40)

    assert puppy.log == [("weaned", 40)]
    assert replay(puppy.collect_events()) == puppy


def test_super_reaches_through_several_plain_overrides():
    class A(Aggregate):
        def __init__(self) -> None:
            self.seen = []

        def act(self, n: int) -> None:
            self._act(n)

        @event("Acted")
        def _act(self, n: int) -> None:
            self.seen.append(n)

    class B(A):
        def act(self, n: int) -> None:
            super().act(n + 1)

    class C(B):
        def act(self, n: int) -> None:
            super().act(n * 2)

    c = C()
    c.act(5)

    assert c.seen == [11]
    assert type(c.pending_events[1]) is C.Acted


def test_mixin_may_be_shared_by_two_aggregates():
    class Cat(Named, Animal):
        pass

    assert Cat.Titled is not Mammal.Titled
    assert not issubclass(Cat.Titled, Mammal.Titled)


def test_diamond_of_aggregates():
    class Left(Animal):
        @event("WentLeft")
        def left(self) -> None:
            self.log.append("left")

    class Right(Animal):
        @event("WentRight")
        def right(self) -> None:
            self.log.append("right")

    class Both(Left, Right):
        pass

    both = Both("Fido")
    both.left()
    both.right()
    both.feed("fish")

    assert both.log == ["left", "right", ("Animal", "fish")]
    assert issubclass(Both.Fed, Left.Fed)
    assert issubclass(Both.Fed, Right.Fed)
    assert replay(both.collect_events()) == both


def test_definition_of_one_base_goes_before_the_copy_of_another():
    class Left(Animal):
        pass

    class Right(Animal):
        @event("Registered")
        def __init__(self, name: str, chip: int) -> None:
            self.name = name
            self.log = [chip]

        @event("Fed")
        def feed(self, food: str) -> None:
            self.log.append(("Right", food))

    class Both(Left, Right):
        pass

    both = Both("Fido", 7)
    both.feed("fish")

    assert [type(each) for each in both.pending_events] == [Both.Registered, Both.Fed]
    assert issubclass(Both.Fed, Right.Fed)
    assert both.log == [7, ("Right", "fish")]
    assert replay(both.collect_events()) == both


def test_event_class_that_a_base_has_hidden():
    class Mute(Animal):
        Fed = None

    class Fish(Mute):
        pass

    fish = Fish("Wanda")
    fish.feed("algae")

    assert fish.log == [("Animal", "algae")]
    assert replay(fish.collect_events()) == fish


def test_dataclasses_all_the_way_down():
    @dataclass
    class A(Aggregate):
        a: int

    @dataclass
    class B(A):
        b: int = 2

    @dataclass(kw_only=True)
    class C(B):
        c: int

    made = C(1, c=3)

    assert (made.a, made.b, made.c) == (1, 2, 3)
    assert replay(made.collect_events()) == made


def test_aggregate_within_an_aggregate():
    class Kennel(Aggregate):
        class Dog(Aggregate):
            @event("Barked")
            def bark(self) -> None:
                self.loud = True

        @event("Opened")
        def open(self) -> None:
            self.is_open = True

    dog, kennel = Kennel.Dog(), Kennel()
    dog.bark()
    kennel.open()

    assert Kennel.Dog.Barked.__qualname__.endswith("Kennel.Dog.Barked")
    assert not hasattr(Kennel, "Barked")
    assert replay(dog.collect_events()) == dog
    assert replay(kennel.collect_events()) == kennel


def test_event_class_nested_in_an_event_class():
    class Dog(Aggregate):
        class Fed(Aggregate.Event):
            class Food:
                pass

            food: Food

        @event(Fed)
        def feed(self, food: Fed.Food) -> None:
            self.food = food

    dog = Dog()
    dog.feed(Dog.Fed.Food())

    assert isinstance(dog.food, Dog.Fed.Food)


def test_static_and_class_methods_of_an_aggregate_are_left_alone():
    class Dog(Aggregate):
        @classmethod
        def two(cls) -> list["Dog"]:
            return [cls(), cls()]

        @staticmethod
        def noise() -> str:
            return "woof"

        @property
        def loud(self) -> str:
            return self.noise().upper()

    assert [dog.loud for dog in Dog.two()] == ["WOOF", "WOOF"]


class AbstractAggregateType(ABCMeta, MetaAggregate):
    """Metaclass of aggregates that have abstract methods."""


class Barking(ABC):
    @abstractmethod
    def noise(self) -> str: ...

    @event("Barked")
    def bark(self) -> None:
        self.log.append(self.noise())


def test_abstract_base_class_is_mixed_in_by_a_common_metaclass():
    class Hound(Barking, Animal, metaclass=AbstractAggregateType):
        def noise(self) -> str:
            return "woof"

    hound = Hound("Fido")
    hound.bark()
    hound.feed("meat")

    assert hound.log == ["woof", ("Animal", "meat")]
    assert [type(each) for each in hound.pending_events[1:]] == [Hound.Barked, Hound.Fed]
    assert replay(hound.collect_events()) == hound


def test_abstract_aggregate_cannot_be_made():
    class Hound(Barking, Animal, metaclass=AbstractAggregateType):
        pass

    with pytest.raises(TypeError, match="abstract method '?noise"):
        Hound("Fido")
