"""Commands: what is special about a class is asked, and nothing else is."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from eventsourcing.application import Application
from eventsourcing.domain import (
    Aggregate,
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    ProgrammingError,
    event,
)

NOW = datetime(2020, 1, 1, tzinfo=UTC)


class Dog(Aggregate):
    def __init__(self):
        self.tricks = []

    @event("TrickAdded")
    def add_trick(self, trick):
        self.tricks.append(trick)

    @event("TrickTried")
    def try_trick(self, trick):
        raise ValueError(trick)

    @event("TrickShown")
    def show_trick(self, trick):
        self.add_trick(trick)


class Puppy(Dog):
    """Has copies of the event classes."""


@pytest.fixture
def nothing_is_constructed(monkeypatch):
    """Have the general way fail."""
    monkeypatch.setattr(sys.modules[BaseAggregate.__module__], "_construct", None)


@pytest.mark.parametrize("cls", [Dog, Puppy])
def test_a_plain_event_is_triggered_without_further_ado(cls, request):
    dog = cls()
    request.getfixturevalue("nothing_is_constructed")

    dog.add_trick("sit")

    assert [type(each) for each in dog.pending_events] == [cls.Created, cls.TrickAdded]
    assert dog.tricks == ["sit"]


@pytest.mark.parametrize(
    ("command", "error"), [("try_trick", ValueError), ("show_trick", ProgrammingError)]
)
def test_a_command_that_fails_leaves_version_time_and_pending_events(command, error):
    dog = Dog()
    dog.add_trick("sit")
    before = dog.version, dog.modified_on, list(dog.pending_events)

    with pytest.raises(error):
        getattr(dog, command)("stay")

    assert (dog.version, dog.modified_on, dog.pending_events) == before
    dog.add_trick("roll")
    assert [each.originator_version for each in dog.collect_events()] == [1, 2, 3]


def test_an_event_that_triggers_another_is_named():
    with pytest.raises(
        ProgrammingError, match=r"^Puppy.TrickShown triggered another event while it was applied"
    ):
        Puppy().show_trick("sit")


def test_what_the_caller_does_to_a_container_afterwards_changes_no_event():
    dog, trick = Dog(), ["sit"]

    dog.add_trick(trick)
    trick.append("stay")
    dog.tricks[0].append("roll")

    assert dog.pending_events[-1].trick == ["sit"]


@pytest.mark.parametrize("trick", ["sit", ["sit"]])
def test_the_time_is_taken_once_for_each_event(trick):
    times = [NOW + timedelta(days=day) for day in range(9)]

    class Clocked(Dog):
        class Event(Dog.Event):
            @staticmethod
            def create_timestamp():
                return times.pop(0)

    dog = Clocked()
    dog.add_trick(trick)

    assert dog.modified_on == NOW + timedelta(days=1)
    assert len(times) == 7


def overriding(*names: str) -> type[Dog]:
    """Return a class of dogs that notes which of these members are asked for."""

    class Special(Dog):
        asked = set()

    for name in names:
        setattr(Special, name, _noting(name))
    return Special


def _noting(name: str) -> Any:
    inherited = getattr(Dog, name)
    if not isinstance(inherited, property):

        def method(self, *args):
            type(self).asked.add(name)
            return inherited(self, *args)

        return method

    def get(self):
        type(self).asked.add(name)
        return inherited.fget(self)

    return property(get, inherited.fset)


@pytest.mark.parametrize(
    "names", [["version"], ["_trigger"], ["_trigger", "version", "modified_on", "pending_events"]]
)
def test_an_aggregate_that_says_otherwise_is_asked(names):
    cls = overriding(*names)
    dog = cls()
    cls.asked.clear()

    dog.add_trick("sit")

    assert cls.asked >= {names[0]}
    assert dog.tricks == ["sit"]


def test_an_aggregate_may_refuse_to_set_its_version():
    class Frozen(Dog):
        @property
        def version(self):
            return self._version

        @version.setter
        def version(self, value):
            raise PermissionError(value)

    with pytest.raises(PermissionError):
        Frozen().add_trick("sit")


def test_an_event_that_says_how_it_mutates_is_asked():
    class Own(Aggregate):
        class Walked(Aggregate.Event):
            metres: int

            def mutate(self, aggregate):
                aggregate = super().mutate(aggregate)
                aggregate.metres *= 2
                return aggregate

        @event(Walked)
        def walk(self, metres):
            self.metres = metres

    dog = Own()
    dog.walk(4)

    assert dog.metres == 8


@pytest.mark.parametrize("place", ["event", "base"])
def test_an_event_that_says_how_it_is_applied_is_asked(place):
    class Own(Aggregate):
        class Event(Aggregate.Event):
            if place == "base":

                def apply(self, aggregate):
                    aggregate.applied = True

        class Walked(Event):
            metres: int

            if place == "event":

                def apply(self, aggregate):
                    aggregate.applied = True

        @event(Walked)
        def walk(self, metres):
            self.metres = metres

    dog = Own()
    dog.applied = False
    dog.walk(4)

    assert (dog.applied, dog.metres) == (True, 4)


def test_an_event_that_says_what_its_values_are_is_asked():
    class Own(Aggregate):
        class Walked(Aggregate.Event):
            metres: int

            def _as_dict(self):
                return {**super()._as_dict(), "metres": self.metres * 1000}

        @event(Walked)
        def walk(self, metres):
            self.metres = metres

    dog = Own()
    dog.walk(4)

    assert dog.metres == 4000


def test_an_event_that_checks_itself_is_asked():
    class Own(Aggregate):
        class Walked(Aggregate.Event):
            metres: int

            def __post_init__(self):
                if self.metres < 0:
                    raise ValueError(self.metres)

        @event(Walked)
        def walk(self, metres):
            self.metres = metres

    dog = Own()

    with pytest.raises(ValueError, match="-4"):
        dog.walk(-4)
    assert (dog.version, len(dog.pending_events)) == (1, 1)


def test_an_event_that_takes_the_time_itself_is_asked():
    class Own(Aggregate):
        class Walked(Aggregate.Event):
            metres: int

            @staticmethod
            def create_timestamp():
                return NOW

        @event(Walked)
        def walk(self, metres):
            self.metres = metres

    dog = Own()
    dog.walk(4)

    assert dog.modified_on == dog.pending_events[1].timestamp == NOW


class Explicit(Aggregate):
    """Has events that are dataclasses of their own kinds."""

    @dataclass(frozen=True, slots=True)
    class Slotted(Aggregate.Event):
        metres: int

    @dataclass(frozen=True, kw_only=True)
    class Named(Aggregate.Event):
        metres: int

    @dataclass(frozen=True, init=False)
    class Rounded(Aggregate.Event):
        metres: int

        def __init__(self, **values):
            for name, value in {**values, "metres": round(values["metres"])}.items():
                object.__setattr__(self, name, value)

    class WithText(Aggregate.Event):
        metres: int

        def __new__(cls, *args, **kwargs):
            made = super().__new__(cls)
            object.__setattr__(made, "was_made", True)
            return made

        @classmethod
        def _from_dict(cls, state):
            return cls(**{**state, "metres": int(state["metres"])})

        def _as_dict(self):
            return {
                name: str(value) if name == "metres" else value
                for name, value in super()._as_dict().items()
                if name != "was_made"
            }

    def __init__(self):
        self.metres = []

    @event(Slotted)
    def slotted(self, metres):
        self.metres.append(metres)

    @event(Named)
    def named(self, metres):
        self.metres.append(metres)

    @event(Rounded)
    def rounded(self, metres):
        self.metres.append(metres)

    @event(WithText)
    def with_text(self, metres):
        self.metres.append(int(metres))


@pytest.mark.parametrize("command", ["slotted", "named", "rounded", "with_text"])
def test_events_of_other_kinds_are_as_their_classes_make_them(command):
    app, dog = Application(), Explicit()

    getattr(dog, command)(4)
    happened = dog.pending_events[-1]
    app.save(dog)

    assert dog.metres == [4]
    assert list(app.events.get(dog.id))[-1] == happened
    assert app.repository.get(dog.id).metres == [4]
    assert command != "with_text" or happened.was_made


def test_an_own_constructor_is_called():
    dog = Explicit()

    dog.rounded(4.4)

    assert dog.metres == [4]


class Topical(Aggregate):
    TOPIC = "topical"

    class Event(Aggregate.Event):
        TOPIC = "topical-event"

    class Created(Event, Aggregate.Created):
        TOPIC = "topical-created"

    @event("Walked", topic="topical-walked")
    def walk(self, metres):
        self.metres = metres


def test_explicit_topics_are_stored():
    app, dog = Application(), Topical()

    dog.walk(4)
    app.save(dog)

    topics = [each.topic for each in app.recorder.select_events(dog.id)]
    assert topics == ["topical-created", "topical-walked"]
    assert app.repository.get(dog.id).metres == 4


class Letter(BaseAggregate[str]):
    @dataclass(frozen=True)
    class Event(CanMutateAggregate[str]):
        originator_id: str
        originator_version: int
        timestamp: datetime

    @dataclass(frozen=True)
    class Created(Event, CanInitAggregate[str]):
        originator_topic: str

    @dataclass(frozen=True)
    class Written(Event):
        text: str

    @staticmethod
    def create_id():
        return f"letter-{uuid4()}"

    def __init__(self):
        self.lines = []

    @event(Written)
    def write(self, text):
        self.lines.append(text)


def test_ids_may_be_text():
    app, letter = Application(), Letter()

    letter.write("Dear all")
    app.save(letter)

    assert app.repository.get(letter.id).lines == ["Dear all"]
