"""The created event: how an aggregate's class chooses it, and defines it."""

from datetime import UTC, datetime

import pytest

from eventsourcing.domain import Aggregate, AggregateCreated, BaseAggregate, event


def test_plain_subclass_has_a_created_event_of_its_own():
    class Dog(Aggregate):
        pass

    (created,) = Dog().pending_events
    assert type(created) is Dog.Created
    assert issubclass(Dog.Created, Aggregate.Created)
    assert issubclass(Dog.Created, Dog.Event)


def test_undecorated_init_defines_created_with_its_parameters():
    class Dog(Aggregate):
        def __init__(self, name: str, age: int = 1) -> None:
            self.name = name
            self.age = age

    dog = Dog("Fido")

    (created,) = dog.pending_events
    assert type(created) is Dog.Created
    assert (created.name, created.age) == ("Fido", 1)
    assert (dog.name, dog.age) == ("Fido", 1)
    assert Dog.Created.__dataclass_fields__["name"].type is str


def test_class_on_init_is_the_created_event():
    class Dog(Aggregate):
        class Registered(Aggregate.Created):
            name: str

        @event(Registered)
        def __init__(self, name: str) -> None:
            self.name = name

    dog = Dog(name="Fido")

    assert type(dog.pending_events[0]) is Dog.Registered
    assert dog.name == "Fido"


def test_class_from_elsewhere_on_init_gets_a_place_on_the_aggregate():
    class Registered(AggregateCreated):
        name: str

    class Dog(Aggregate):
        @event(Registered)
        def __init__(self, name: str) -> None:
            self.name = name

    assert type(Dog("Fido").pending_events[0]) is Dog.Registered
    assert issubclass(Dog.Registered, Registered)
    assert issubclass(Dog.Registered, Dog.Event)


def test_only_created_class_in_the_body_is_chosen():
    class Dog(Aggregate):
        class Registered(Aggregate.Created):
            name: str

        def __init__(self, name: str) -> None:
            self.name = name

    assert type(Dog("Fido").pending_events[0]) is Dog.Registered


def test_one_of_many_that_is_called_created_is_chosen():
    class Dog(Aggregate):
        class Created(Aggregate.Created):
            pass

        class Imported(Aggregate.Created):
            pass

    assert type(Dog().pending_events[0]) is Dog.Created


def test_many_without_a_choice_are_refused_when_called():
    class Dog(Aggregate):
        class Registered(Aggregate.Created):
            pass

        class Imported(Aggregate.Created):
            pass

    with pytest.raises(TypeError) as caught:
        Dog()

    assert str(caught.value) == (
        f"{Dog.__qualname__} can't decide which of many 'created' event classes to use: "
        "'Registered', 'Imported'. Please use class arg 'created_event_name' or @event "
        "decorator on __init__ method."
    )


def test_class_argument_chooses_among_many():
    class Dog(Aggregate, created_event_name="Imported"):
        class Registered(Aggregate.Created):
            pass

        class Imported(Aggregate.Created):
            pass

    assert type(Dog().pending_events[0]) is Dog.Imported


def test_class_argument_names_what_is_defined():
    class Dog(Aggregate, created_event_name="Registered"):
        def __init__(self, name: str) -> None:
            self.name = name

    assert type(Dog("Fido").pending_events[0]) is Dog.Registered


def test_class_argument_that_names_another_event_is_refused():
    with pytest.raises(TypeError, match="Fed is not a 'created' event class"):

        class Dog(Aggregate, created_event_name="Fed"):
            class Fed(Aggregate.Event):
                pass


def test_class_argument_and_decorator_conflict():
    with pytest.raises(
        TypeError, match="has both created_event_name='Born' and @event on __init__. Use one"
    ):

        class Dog(Aggregate, created_event_name="Born"):
            @event("Registered")
            def __init__(self) -> None: ...


def test_factory_method_makes_the_aggregate_by_an_alternative():
    class Dog(Aggregate):
        class Found(Aggregate.Created):
            name: str
            where: str

        @event("Registered")
        def __init__(self, name: str) -> None:
            self.name = name

        @classmethod
        def find(cls, where: str) -> "Dog":
            return cls._create(cls.Found, name="Stray", where=where)

    dog = Dog.find("park")

    assert dog.name == "Stray"
    assert type(dog.pending_events[0]) is Dog.Found
    assert dog.pending_events[0].where == "park"
    assert type(Dog("Fido").pending_events[0]) is Dog.Registered


def test_factory_method_gives_id_and_timestamp():
    class Dog(Aggregate):
        pass

    moment = datetime(2020, 1, 1, tzinfo=UTC)
    id_ = Aggregate.create_id()

    dog = Dog._create(Dog.Created, id=id_, timestamp=moment)

    assert (dog.id, dog.created_on, dog.modified_on) == (id_, moment, moment)


def test_values_that_do_not_fit_are_refused():
    class Dog(Aggregate):
        class Registered(Aggregate.Created):
            name: str

    with pytest.raises(TypeError, match="Unable to construct 'Registered' event: .*'name'"):
        Dog()


def test_arguments_are_refused_in_pythons_words():
    class Dog(Aggregate):
        def __init__(self, name: str) -> None: ...

    with pytest.raises(TypeError) as caught:
        Dog()

    assert str(caught.value) == (
        f"{Dog.__init__.__qualname__}() missing 1 required positional argument: 'name'"
    )


def test_class_without_init_takes_no_arguments():
    class Dog(Aggregate):
        pass

    with pytest.raises(TypeError, match=r"Dog\(\) takes no arguments$"):
        Dog("Fido")


def test_subclass_inherits_init_and_created_event():
    class Dog(Aggregate):
        @event("Registered")
        def __init__(self, name: str) -> None:
            self.name = name

    class Puppy(Dog):
        pass

    puppy = Puppy("Rex")

    assert puppy.name == "Rex"
    assert type(puppy.pending_events[0]) is Puppy.Registered
    assert issubclass(Puppy.Registered, Dog.Registered)


def test_subclass_with_an_init_of_its_own_has_a_created_event_of_its_own():
    class Dog(Aggregate):
        def __init__(self, name: str) -> None:
            self.name = name

    class Puppy(Dog):
        def __init__(self, name: str, mother: str) -> None:
            super().__init__(name)
            self.mother = mother

    puppy = Puppy("Rex", mother="Lassie")

    assert (puppy.name, puppy.mother) == ("Rex", "Lassie")
    assert puppy.pending_events[0].mother == "Lassie"
    assert not issubclass(Puppy.Created, Dog.Created)


def test_base_class_without_init_adds_to_created_events_made_from_init():
    class Animal(Aggregate):
        class Created(Aggregate.Created):
            zoo: str = "Berlin"

    class Dog(Animal):
        def __init__(self, name: str) -> None:
            self.name = name

    dog = Dog("Fido")

    assert dog.pending_events[0].zoo == "Berlin"
    assert dog.pending_events[0].name == "Fido"


def test_initial_version_can_be_changed():
    class Dog(Aggregate):
        INITIAL_VERSION = 0

    dog = Dog()

    assert dog.version == dog.pending_events[0].originator_version == 0


def test_base_aggregate_cannot_be_called():
    with pytest.raises(TypeError, match="BaseAggregate has no 'created' event class, so it can't"):
        BaseAggregate()


def test_decorated_method_without_event_class_is_refused():
    with pytest.raises(TypeError, match="Base event class 'Event' not defined on .*Dog or its"):

        class Dog(BaseAggregate):
            @event("Fed")
            def feed(self) -> None: ...


def test_decorated_init_without_created_class_is_refused():
    with pytest.raises(TypeError, match="Base event class 'Created' not defined on .*Dog or its"):

        class Dog(BaseAggregate):
            class Event(Aggregate.Event):
                pass

            @event("Registered")
            def __init__(self) -> None: ...


def test_replaying_does_not_trigger():
    class Dog(Aggregate):
        def __init__(self, name: str) -> None:
            self.name = name

    dog = Dog("Fido")
    (created,) = dog.collect_events()

    again = created.mutate(None)

    assert again == dog
    assert again.pending_events == []


def test_created_class_in_the_family_of_the_own_event_stays_as_it_is():
    class Dog(Aggregate):
        class Event(Aggregate.Event):
            pass

        class Born(Event, AggregateCreated):
            name: str

        born = Born

        class Fed(Event):
            food: str

        @event(Born)
        def __init__(self, name: str) -> None:
            self.name = name

        @event(Fed)
        def feed(self, food: str) -> None:
            self.food = food

    dog = Dog("Fido")
    dog.feed("fish")

    assert type(dog.pending_events[0]) is Dog.Born is Dog.born
    assert (dog.name, dog.food) == ("Fido", "fish")


def test_factory_method_with_an_explicit_topic():
    class Dog(Aggregate):
        TOPIC = "kennel:created-dog"

        class Born(AggregateCreated):
            TOPIC = "kennel:created-dog-born"

        @classmethod
        def bear(cls) -> "Dog":
            return cls._create(cls.Born)

    assert type(Dog.bear().pending_events[0]) is Dog.Born
