"""``@event``: each form of the decorator, and each way of getting it wrong."""

import functools
import inspect
from typing import Any
from uuid import UUID

import pytest

from eventsourcing.domain import (
    Aggregate,
    AggregateCreated,
    AggregateEvent,
    ProgrammingError,
    event,
    triggers,
)


class Dog(Aggregate):
    """A dog with commands in the various forms."""

    @event("Registered")
    def __init__(self, name: str) -> None:
        self._name = name
        self.tricks: list[str] = []

    @event
    def learn_trick(self, trick: str) -> None:
        """Learn a trick."""
        self.tricks.append(trick)

    @event()
    def forget(self) -> None:
        self.tricks.clear()

    @event(None)
    def start_over(self) -> None:
        self.tricks = []

    @event("TrickAdded", topic="dogs:TrickAdded")
    def add_trick(self, trick: str, times: int = 1) -> str:
        self.tricks += [trick] * times
        return "ignored"

    @property
    def name(self) -> str:
        """What the dog is called."""
        return self._name

    @name.setter
    @event("Renamed")
    def name(self, name: str) -> None:
        self._name = name


class Fed(AggregateEvent):
    """An event that no aggregate defines."""

    food: str


@pytest.fixture
def dog() -> Dog:
    dog = Dog("Fido")
    dog.collect_events()
    return dog


def test_method_without_name_gives_the_event_its_own_name_in_capitals(dog):
    dog.learn_trick("roll over")

    (learned,) = dog.pending_events
    assert type(learned) is Dog.LearnTrick
    assert learned.trick == "roll over"


@pytest.mark.parametrize(("command", "name"), [("forget", "Forget"), ("start_over", "StartOver")])
def test_empty_brackets_and_none_are_as_no_brackets(dog, command, name):
    getattr(dog, command)()

    assert type(dog.pending_events[0]) is getattr(Dog, name)


def test_name_defines_a_class_with_the_parameters_as_fields(dog):
    dog.add_trick("sit", times=2)

    (added,) = dog.pending_events
    assert type(added) is Dog.TrickAdded
    assert (added.trick, added.times) == ("sit", 2)
    assert Dog.TrickAdded.__dataclass_fields__["trick"].type is str
    assert issubclass(Dog.TrickAdded, Dog.Event)


def test_field_of_a_parameter_without_annotation_can_be_anything():
    class Cat(Aggregate):
        @event("Named")
        def call(self, name):
            self.name = name

    assert Cat.Named.__dataclass_fields__["name"].type is Any


def test_topic_is_set_on_the_class():
    assert Dog.TrickAdded.TOPIC == "dogs:TrickAdded"


def test_topic_with_a_class_is_refused():
    with pytest.raises(TypeError, match="Set TOPIC on the class instead"):
        event(Aggregate.Event, topic="dogs:Event")


def test_class_is_subclassed_and_calls_the_method_after_its_own_apply():
    class Cat(Aggregate):
        class Named(Aggregate.Event):
            name: str

            def apply(self, aggregate: "Cat") -> None:
                aggregate.log = ["applied"]

        @event(Named)
        def call(self, name: str) -> None:
            self.log.append(name)

    cat = Cat()
    cat.call("Tom")

    assert cat.log == ["applied", "Tom"]
    assert type(cat.pending_events[-1]) is Cat.Named
    assert issubclass(Cat.Named, Cat.Event)


def test_method_takes_what_it_names_of_the_class_given():
    class Cat(Aggregate):
        class Fed(Aggregate.Event):
            food: str
            amount: int = 1

        @event(Fed)
        def feed(self, food: str) -> None:
            self.food = food

    cat = Cat()
    cat.feed("fish")

    assert cat.food == "fish"
    assert cat.pending_events[-1].amount == 1


def test_class_from_elsewhere_gets_a_place_on_the_aggregate():
    class Cat(Aggregate):
        @event(Fed)
        def feed(self, food: str) -> None:
            self.food = food

    cat = Cat()
    cat.feed("fish")

    assert type(cat.pending_events[-1]) is Cat.Fed
    assert issubclass(Cat.Fed, Fed)
    assert issubclass(Cat.Fed, Cat.Event)


def test_class_from_elsewhere_needs_a_free_place():
    with pytest.raises(TypeError, match="Fed event already defined on .*Cat. Give another name."):

        class Cat(Aggregate):
            @event("Fed")
            def fill(self) -> None: ...

            @event(Fed)
            def feed(self) -> None: ...


def test_triggers_is_another_name_of_event():
    assert triggers is event


def test_setter_triggers(dog):
    dog.name = "Buster"

    assert dog.name == "Buster"
    assert type(dog.pending_events[0]) is Dog.Renamed
    assert Dog.name.__doc__ == "What the dog is called."


def test_decorator_above_the_setter_triggers():
    class Cat(Aggregate):
        @property
        def name(self) -> str:
            return self._name

        @event("Named")
        @name.setter
        def name(self, name: str) -> None:
            self._name = name

    cat = Cat()
    cat.name = "Tom"

    assert (cat.name, type(cat.pending_events[-1])) == ("Tom", Cat.Named)


def test_property_made_of_a_decorated_function_triggers():
    class Cat(Aggregate):
        def get_name(self) -> str:
            return self._name

        def set_name(self, name: str) -> None:
            self._name = name

        name = property(get_name, event("Named")(set_name))

    cat = Cat()
    cat.name = "Tom"

    assert (cat.name, type(cat.pending_events[-1])) == ("Tom", Cat.Named)


def test_property_made_of_a_decorated_method_triggers_the_methods_event():
    class Cat(Aggregate):
        def get_name(self) -> str:
            return self._name

        @event
        def set_name(self, name: str) -> None:
            self._name = name

        name = property(get_name, set_name)

    cat = Cat()
    cat.name = "Tom"
    cat.set_name("Felix")

    assert [type(each) for each in cat.pending_events[1:]] == [Cat.SetName, Cat.SetName]


def test_deleter_of_a_decorated_property_stays():
    class Cat(Aggregate):
        @property
        def name(self) -> str:
            return self._name

        @name.setter
        @event("Named")
        def name(self, name: str) -> None:
            self._name = name

        @name.deleter
        def name(self) -> None:
            self._name = None

    cat = Cat()
    cat.name = "Tom"
    del cat.name

    assert cat.name is None


@pytest.mark.parametrize("above", [True, False])
def test_setter_needs_a_name(above):
    with pytest.raises(
        TypeError, match="@event on the setter of name requires event name or class"
    ):

        class Cat(Aggregate):
            @property
            def name(self) -> str: ...

            if above:

                @event
                @name.setter
                def name(self, name: str) -> None: ...

            else:

                @name.setter
                @event
                def name(self, name: str) -> None: ...


def test_getter_above_property_is_refused():
    with pytest.raises(TypeError, match=r"@event can't decorate name\(\) property getter"):

        class Cat(Aggregate):
            @event("Named")
            @property
            def name(self) -> str: ...


def test_getter_below_property_is_refused():
    with pytest.raises(TypeError, match=r"@event can't decorate name\(\) property getter"):

        class Cat(Aggregate):
            @property
            @event("Named")
            def name(self) -> str: ...


def test_deleter_is_refused():
    with pytest.raises(TypeError, match=r"@event can't decorate name\(\) property deleter"):

        class Cat(Aggregate):
            @property
            def name(self) -> str: ...

            @name.deleter
            @event("Unnamed")
            def name(self) -> None: ...


def test_empty_name_is_refused():
    with pytest.raises(ValueError, match="@event got '' as the name of an event class"):
        event("")


def test_name_that_is_no_identifier_is_refused():
    with pytest.raises(ValueError, match="'trick added' as the name.*not an identifier"):
        event("trick added")


@pytest.mark.parametrize(
    "wrong", [1, object(), Dog, int, staticmethod(len), classmethod(lambda cls: None)]
)
def test_argument_of_another_kind_is_refused(wrong):
    with pytest.raises(
        TypeError, match="is not a str, function, property, or subclass of CanMutateAggregate"
    ):
        event(wrong)


@pytest.mark.parametrize("wrong", [1, staticmethod(len), classmethod(lambda cls: None), Dog])
def test_decorating_something_else_is_refused(wrong):
    with pytest.raises(TypeError, match="is not a function or property"):
        event("Named")(wrong)


def test_two_decorators_on_one_method_are_refused():
    with pytest.raises(TypeError, match=r"feed\(\) has two @event decorators. Remove one."):

        class Cat(Aggregate):
            @event("Fed")
            @event("Filled")
            def feed(self) -> None: ...


def test_init_needs_a_name():
    with pytest.raises(TypeError, match="on __init__ has neither event name nor class"):

        class Cat(Aggregate):
            @event
            def __init__(self) -> None: ...


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ("*names", r"has variable positional parameters \(\*names\)"),
        ("**names", r"has variable keyword parameters \(\*\*\)"),
        ("name, /", r"has positional-only parameters \(name, /\)"),
        ("originator_id", "has a parameter 'originator_id', which is an attribute of each event"),
        ("mutate", "has a parameter 'mutate', which is an attribute of each event already."),
    ],
)
@pytest.mark.parametrize("method", ["call", "__init__"])
def test_parameters_that_no_event_can_hold_are_refused(method, parameters, text):
    namespace = {}
    exec(f"def {method}(self, {parameters}): pass", namespace)

    with pytest.raises(TypeError, match=rf"{method}\(\) {text}"):
        type(Aggregate)("Cat", (Aggregate,), {method: event("Named")(namespace[method])})


def test_parameters_may_be_of_any_kind_where_the_class_is_given():
    class Cat(Aggregate):
        class Named(Aggregate.Event):
            name: str
            title: str

        @event(Named)
        def call(self, name: str, /, **more: Any) -> None:
            self.name = name
            self.title = more["title"]

    cat = Cat()
    cat.call("Tom", title="Sir")

    assert (cat.name, cat.title) == ("Tom", "Sir")


def test_name_used_twice_is_refused():
    with pytest.raises(TypeError, match="Named event already defined on .*Cat"):

        class Cat(Aggregate):
            @event("Named")
            def call(self) -> None: ...

            @event("Named")
            def shout(self) -> None: ...


def test_name_of_a_class_in_the_body_is_refused():
    with pytest.raises(TypeError, match="Named event already defined on .*Cat"):

        class Cat(Aggregate):
            class Named(Aggregate.Event):
                pass

            @event("Named")
            def call(self) -> None: ...


def test_class_used_twice_is_refused():
    with pytest.raises(
        TypeError,
        match=r"Named event class used in more than one decorator: on call\(\) and on shout\(\)",
    ):

        class Cat(Aggregate):
            class Named(Aggregate.Event):
                pass

            @event(Named)
            def call(self) -> None: ...

            @event(Named)
            def shout(self) -> None: ...


def test_created_class_on_a_command_is_refused():
    with pytest.raises(TypeError, match=r"call\(\) got .*Named, which is a 'created' event class"):

        class Cat(Aggregate):
            class Named(Aggregate.Created):
                pass

            @event(Named)
            def call(self) -> None: ...


def test_other_class_on_init_is_refused():
    with pytest.raises(TypeError, match="__init__ .*Named, which is not a 'created' event class"):

        class Cat(Aggregate):
            class Named(Aggregate.Event):
                pass

            @event(Named)
            def __init__(self) -> None: ...


def test_commands_return_nothing(dog):
    assert dog.add_trick("sit") is None


def test_default_is_stored_in_the_event(dog):
    dog.add_trick("sit")

    assert dog.pending_events[0].times == 1


def test_keyword_only_default_is_stored_in_the_event():
    class Cat(Aggregate):
        @event("Fed")
        def feed(self, food: str, *, amount: int = 3) -> None:
            self.amount = amount

    cat = Cat()
    cat.feed("fish")

    assert (cat.amount, cat.pending_events[-1].amount) == (3, 3)


def test_method_that_raises_leaves_version_and_pending_events():
    class Cat(Aggregate):
        @event("Fed")
        def feed(self, food: str) -> None:
            self.food = food
            raise ValueError("No fish")

    cat = Cat()
    before = (cat.version, cat.modified_on, list(cat.pending_events))

    with pytest.raises(ValueError, match="No fish"):
        cat.feed("fish")

    assert (cat.version, cat.modified_on, cat.pending_events) == before
    assert cat.food == "fish"


def test_event_within_an_event_is_refused_and_leaves_nothing():
    class Cat(Aggregate):
        @event("Fed")
        def feed(self) -> None:
            self.purr()

        @event("Purred")
        def purr(self) -> None: ...

    cat = Cat()

    with pytest.raises(ProgrammingError, match="Cat.Fed triggered another event while it was"):
        cat.feed()

    assert cat.version == 1
    assert len(cat.pending_events) == 1


def test_unbound_method_takes_the_aggregate_first(dog):
    Dog.add_trick(dog, "sit", times=2)

    assert dog.tricks == ["sit", "sit"]


@pytest.mark.parametrize("args", [(), ("sit",)])
def test_unbound_method_wants_an_aggregate(args):
    with pytest.raises(TypeError, match=r"Expected aggregate as first argument of Dog.add_trick"):
        Dog.add_trick(*args)


def test_metadata_of_the_method_is_kept(dog):
    for method in (Dog.learn_trick, dog.learn_trick):
        assert method.__name__ == "learn_trick"
        assert method.__qualname__ == "Dog.learn_trick"
        assert method.__doc__ == "Learn a trick."
        assert method.__module__ == __name__
        assert method.__annotations__ == {"trick": str, "return": None}
    assert str(inspect.signature(dog.learn_trick)) == "(trick: str) -> None"


def test_methods_called_underscore_are_called_by_their_events_alone():
    class Cat(Aggregate):
        class Fed(Aggregate.Event):
            food: str

        class Slept(Aggregate.Event):
            pass

        @event(Fed)
        def _(self, food: str) -> None:
            self.food = food

        @event(Slept)
        def _(self) -> None:
            self.slept = True

    cat = Cat()
    cat.trigger_event(cat.Fed, food="fish")
    cat.trigger_event(cat.Slept)

    assert (cat.food, cat.slept) == ("fish", True)
    for owner in (Cat, cat):
        with pytest.raises(ProgrammingError, match="A method '_' of .*Cat is called by its event"):
            owner._()


def test_method_called_underscore_needs_a_name():
    with pytest.raises(TypeError, match="@event on a method '_' of .*Cat requires event name or"):

        class Cat(Aggregate):
            @event
            def _(self) -> None: ...


def test_decorated_method_of_another_class_says_what_it_lacks():
    class Cat:
        @event("Fed")
        def feed(self) -> None: ...

    with pytest.raises(ProgrammingError, match="Cat is not an aggregate. Inherit Aggregate, or"):
        Cat().feed()


def test_decorated_method_can_be_mixed_in():
    class Feeding:
        @event("Fed")
        def feed(self, food: str) -> None:
            self.food = food

    class Cat(Feeding, Aggregate):
        pass

    cat = Cat()
    cat.feed("fish")

    assert cat.food == "fish"
    assert issubclass(Cat.Fed, Cat.Event)


def test_subclass_triggers_its_own_copy_of_the_event():
    class Puppy(Dog):
        pass

    puppy = Puppy("Rex")
    puppy.add_trick("sit")

    assert type(puppy.pending_events[-1]) is Puppy.TrickAdded
    assert issubclass(Puppy.TrickAdded, Dog.TrickAdded)
    assert issubclass(Puppy.TrickAdded, Puppy.Event)
    assert puppy.tricks == ["sit"]


def test_override_can_call_the_decorated_method_of_the_base():
    class Puppy(Dog):
        def add_trick(self, trick: str, times: int = 1) -> None:
            super().add_trick(trick.upper(), times)

    puppy = Puppy("Rex")
    puppy.add_trick("sit")

    assert puppy.tricks == ["SIT"]


def test_override_with_an_event_of_the_same_name_replaces_it():
    class Puppy(Dog):
        @event("TrickAdded")
        def add_trick(self, trick: str) -> None:
            self.tricks.insert(0, trick)

    puppy = Puppy("Rex")
    puppy.add_trick("sit")
    Dog.add_trick(puppy, "roll over")

    assert puppy.tricks == ["sit", "roll over"]
    assert [type(each) for each in puppy.pending_events[1:]] == [Puppy.TrickAdded, Dog.TrickAdded]


def test_containers_are_the_events_own():
    class Cat(Aggregate):
        @event("Fed")
        def feed(self, foods: list[str]) -> None:
            self.foods = foods

    given = ["fish"]
    cat = Cat()
    cat.feed(given)
    given.append("meat")
    cat.foods.append("mouse")

    assert cat.pending_events[-1].foods == ["fish"]
    assert cat.foods == ["fish", "mouse"]


def test_parameter_timestamp_is_the_events(dog):
    class Cat(Aggregate):
        @event("Fed")
        def feed(self, timestamp=None) -> None:
            self.fed_on = timestamp

    cat = Cat()
    cat.feed()
    first = cat.fed_on
    cat.feed(timestamp=dog.created_on)

    assert first == cat.pending_events[1].timestamp
    assert cat.fed_on == cat.modified_on == dog.created_on


def test_created_event_class_is_replaced_by_the_decorators():
    assert Dog.Created is Aggregate.Created
    assert issubclass(Dog.Registered, AggregateCreated)
    assert isinstance(Dog("Fido").id, UUID)


def test_decorated_method_of_another_class_is_itself_on_the_class():
    class Plain:
        @event("Fed")
        def feed(self) -> None: ...

    assert Plain.feed.event_name() == "Fed"


def test_method_called_underscore_can_be_mixed_in():
    class Recovering:
        @event("Recovered")
        def _(self) -> None:
            self.is_well = True

    class Dog(Recovering, Aggregate):
        pass

    dog = Dog()
    dog.trigger_event(Dog.Recovered)

    assert dog.is_well


def test_another_decorator_may_stand_below():
    def logged(func):
        @functools.wraps(func)
        def wrapper(self, *args, **kwargs):
            self.log.append(func.__name__)
            return func(self, *args, **kwargs)

        return wrapper

    class Dog(Aggregate):
        def __init__(self) -> None:
            self.log = []

        @event("Fed")
        @logged
        def feed(self, food: str) -> None:
            self.log.append(food)

    dog = Dog()
    dog.feed(food="fish")

    assert dog.log == ["feed", "fish"]
    assert dog.pending_events[1].food == "fish"


def test_another_decorator_above_is_refused_when_the_method_is_called():
    def logged(func):
        return lambda *args, **kwargs: func(*args, **kwargs)

    class Dog(Aggregate):
        @logged
        @event("Fed")
        def feed(self) -> None: ...

    with pytest.raises(TypeError) as caught:
        Dog().feed()

    assert str(caught.value) == (
        "feed() has another decorator above @event, which hides it from the aggregate. "
        "Put @event on top."
    )


def test_overridden_setter_triggers_an_event_of_its_own():
    class Loud(Dog):
        @Dog.name.setter
        @event("Shouted")
        def name(self, name: str) -> None:
            self._name = name.upper()

    dog = Loud("Fido")
    dog.name = "Rex"

    assert dog.name == "REX"
    assert type(dog.pending_events[1]) is Loud.Shouted


def test_aggregate_without_a_method_called_underscore_has_none(dog):
    assert not hasattr(Dog, "_")


def test_decorated_method_of_a_mixin_that_another_replaces_is_no_command():
    class Feeding:
        @event("Fed")
        def feed(self) -> None:
            self.is_fed = True

    class Fasting(Feeding):
        def feed(self) -> str:
            return "no, thank you"

    class Dog(Fasting, Aggregate):
        pass

    assert Dog().feed() == "no, thank you"
    assert not hasattr(Dog, "Fed")
