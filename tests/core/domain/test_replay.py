"""Replay: whatever is done to an aggregate, its events make an equal one."""

from typing import Generic, TypeVar

from hypothesis import given
from hypothesis import strategies as st

from eventsourcing.domain import Aggregate, Snapshot, event


class Dog(Aggregate):
    """A dog whose commands may fail, and which keeps what it is given."""

    @event("Registered")
    def __init__(self, name: str, tricks: list[str]) -> None:
        self.tricks = tricks
        self._name = name

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)

    @event
    def replace_tricks(self, tricks: list[str]) -> None:
        self.tricks = tricks

    @event("Refused")
    def refuse(self, reason: str) -> None:
        raise ValueError(reason)

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    @event("Renamed")
    def name(self, name: str) -> None:
        self._name = name


T = TypeVar("T")
TEXT = st.text(max_size=5)
COMMANDS = st.lists(
    st.one_of(
        st.tuples(st.just("add_trick"), TEXT),
        st.tuples(st.just("replace_tricks"), st.lists(TEXT, max_size=3)),
        st.tuples(st.just("refuse"), TEXT),
        st.tuples(st.just("name"), TEXT),
    ),
    max_size=12,
)


def obey(dog: Dog, command: str, value) -> None:
    try:
        if command == "name":
            dog.name = value
        else:
            getattr(dog, command)(value)
    except ValueError:
        pass


def replay(events, dog=None):
    for each in events:
        dog = each.mutate(dog)
    return dog


def test_generic_aggregate_is_the_same_after_a_replay():
    class Box(Aggregate, Generic[T]):
        def __init__(self, content: T) -> None:
            self.content = content

    box = Box[int](3)

    assert replay(box.collect_events()) == box


@given(COMMANDS, st.lists(TEXT, max_size=3))
def test_replay_equals_what_was_done(commands, tricks):
    dog = Dog("Fido", tricks)
    for command, value in commands:
        obey(dog, command, value)
    events = dog.collect_events()

    assert replay(events) == dog
    assert [each.originator_version for each in events] == [*range(1, dog.version + 1)]


@given(COMMANDS, COMMANDS)
def test_replay_from_a_snapshot_equals_what_was_done(before, after):
    dog = Dog("Fido", [])
    for command, value in before:
        obey(dog, command, value)
    dog.collect_events()
    snapshot = Snapshot.take(dog)
    for command, value in after:
        obey(dog, command, value)

    assert replay(dog.collect_events(), snapshot.mutate(None)) == dog


def test_generic_aggregate_does_not_keep_what_it_was_called_with():
    class Box(Aggregate, Generic[T]):
        def __init__(self, content: T) -> None:
            self.content = content

    assert not hasattr(Box[int](3), "__orig_class__")
