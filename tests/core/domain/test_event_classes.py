"""Event classes: each aggregate's class has its own, related as in its body and its bases."""

from dataclasses import dataclass

from eventsourcing.domain import Aggregate, AggregateEvent, event
from eventsourcing.topics import get_topic


class Animal(Aggregate):
    """An aggregate with related events."""

    class Moved(Aggregate.Event):
        """It went somewhere."""

        where: str

    class Ran(Moved):
        """It went somewhere fast."""

    @event("Fed")
    def feed(self, food: str) -> None:
        self.food = food


class Dog(Animal):
    """A subclass without a body."""


def test_own_event_is_a_subclass_of_the_bases():
    assert issubclass(Animal.Event, Aggregate.Event)
    assert Animal.Event is not Aggregate.Event
    assert issubclass(Dog.Event, Animal.Event)
    assert Dog.Event is not Animal.Event


def test_nested_classes_become_subclasses_of_the_own_event():
    assert issubclass(Animal.Moved, Animal.Event)
    assert issubclass(Animal.Ran, Animal.Event)


def test_nested_classes_stay_related():
    assert issubclass(Animal.Ran, Animal.Moved)


def test_nested_classes_keep_name_docstring_and_fields():
    assert Animal.Moved.__qualname__ == "Animal.Moved"
    assert Animal.Moved.__module__ == __name__
    assert Animal.Moved.__doc__ == "It went somewhere."
    assert "where" in Animal.Ran.__dataclass_fields__


def test_subclass_has_copies_that_are_related_too():
    assert Dog.Moved is not Animal.Moved
    assert issubclass(Dog.Moved, Animal.Moved)
    assert issubclass(Dog.Ran, Dog.Moved)
    assert issubclass(Dog.Ran, Animal.Ran)
    assert issubclass(Dog.Fed, Dog.Event)


def test_topics_differ_between_subclasses():
    topics = {get_topic(cls) for cls in (Animal.Moved, Dog.Moved, Animal.Fed, Dog.Fed)}

    assert topics == {f"{__name__}:{name}" for name in topics_expected()}


def topics_expected():
    return {"Animal.Moved", "Dog.Moved", "Animal.Fed", "Dog.Fed"}


def test_own_event_of_the_body_is_the_base():
    class Cat(Aggregate):
        class Event(Aggregate.Event):
            pass

        class Fed(Event):
            pass

    assert Cat.Fed.__bases__ == (Cat.Event,)


def test_own_event_that_is_a_stranger_joins_the_family():
    class Cat(Aggregate):
        class Event(AggregateEvent):
            pass

        class Fed(Event):
            pass

    assert issubclass(Cat.Event, Aggregate.Event)
    assert issubclass(Cat.Fed, Cat.Event)


def test_class_with_two_bases_has_the_events_of_both():
    class Swimmer(Aggregate):
        @event("Swam")
        def swim(self) -> None:
            self.wet = True

    class Duck(Animal, Swimmer):
        pass

    duck = Duck()
    duck.swim()
    duck.feed("bread")

    assert issubclass(Duck.Event, Animal.Event)
    assert issubclass(Duck.Event, Swimmer.Event)
    assert [type(each) for each in duck.pending_events] == [Duck.Created, Duck.Swam, Duck.Fed]


def test_event_of_a_subclass_that_extends_a_bases_event():
    class Cat(Animal):
        class Moved(Animal.Moved):
            silently: bool

    assert issubclass(Cat.Moved, Animal.Moved)
    assert issubclass(Cat.Moved, Cat.Event)
    assert {"where", "silently"} <= Cat.Moved.__dataclass_fields__.keys()


def test_event_class_with_apply_is_triggered():
    class Cat(Aggregate):
        class Fed(Aggregate.Event):
            food: str

            def apply(self, aggregate: "Cat") -> None:
                aggregate.food = self.food

        def feed(self, food: str) -> None:
            self.trigger_event(self.Fed, food=food)

    cat = Cat()
    cat.feed("fish")

    assert cat.food == "fish"
    assert type(cat.pending_events[-1]) is Cat.Fed


def test_fields_without_default_may_follow_a_base_event_with_defaults():
    class Cat(Aggregate):
        class Event(Aggregate.Event):
            user: str = "nobody"

        @event("Fed")
        def feed(self, food: str) -> None:
            self.food = food

    cat = Cat()
    cat.feed("fish")

    assert (cat.pending_events[-1].user, cat.pending_events[-1].food) == ("nobody", "fish")


def test_keyword_only_dataclass_may_have_defaults_in_any_order():
    class Dog(Aggregate):
        @dataclass(frozen=True, kw_only=True)
        class Fed(Aggregate.Event):
            food: str = "fish"
            grams: int

    dog = Dog()
    dog.trigger_event(Dog.Fed, grams=100)

    assert (dog.pending_events[1].food, dog.pending_events[1].grams) == ("fish", 100)
