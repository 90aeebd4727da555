"""Commands do the same whether they trigger their event by themselves or have others do it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from eventsourcing.domain import Aggregate, event
from eventsourcing.domain.state import event_state

ID, NOW = UUID(int=7), datetime(2020, 1, 1, tzinfo=UTC)


class Dog(Aggregate):
    """An aggregate with commands of all signatures."""

    class Event(Aggregate.Event):
        @staticmethod
        def create_timestamp():
            return NOW

    class Groomed(Event):
        brush: Any
        minutes: int = 5

    class Moved(Event):
        y: Any
        x: Any

    class Played(Event):
        toy: Any

    class Noted(Event):
        a: Any
        b: Any

    @staticmethod
    def create_id():
        return ID

    def __init__(self):
        self.done = []

    @event("Sat")
    def sit(self):
        self.done.append("sat")

    @event("Added")
    def add(self, trick):
        self.done.append(trick)

    @event("Weighed")
    def weigh(self, kilos, unit="kg", by=None):
        self.done.append((kilos, unit, by))

    @event("Renamed")
    def rename(self, name, *, loud=False):
        self.done.append((name, loud))

    @event("Walked")
    def walk(self, timestamp):
        self.done.append(timestamp)

    @event("Fed")
    def feed(self, food, timestamp=None):
        self.done.append((food, timestamp))

    @event(Groomed)
    def groom(self, brush):
        self.done.append(brush)

    @event(Moved)
    def move(self, x, y):
        self.done.append((x, y))

    @event(Played)
    def play(self, toy, *more):
        self.done.append((toy, more))

    @event(Noted)
    def note(self, **values):
        self.done.append(values)

    @event("Bitten")
    def bite(self, whom):
        raise ValueError(whom)

    @event("Fetched")
    def fetch(self, trick):
        self.add(trick)


class SlowDog(Dog):
    """A dog with something of its own about versions, which its commands are to ask."""

    @property
    def version(self):
        return super().version

    @version.setter
    def version(self, value):
        self._version = value


NAMES = ["sit", "add", "weigh", "rename", "walk", "feed", "groom", "move", "play", "note"]
VALUES = st.recursive(
    st.integers() | st.text(max_size=3) | st.none() | st.just(NOW),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2)
        | st.sets(st.integers(), max_size=2)
        | st.binary(max_size=2).map(bytearray)
    ),
    max_leaves=3,
)
KEYS = st.sampled_from(
    ["trick", "kilos", "unit", "by", "name", "loud", "timestamp", "food", "x", "y", "toy", "a", "b"]
)
CALLS = st.lists(
    st.tuples(
        st.sampled_from([*NAMES, "bite", "fetch"]),
        st.lists(VALUES, max_size=3),
        st.just({}) | st.dictionaries(KEYS, VALUES, max_size=2),
    ),
    max_size=5,
)


def outcomes(dog: Dog, calls) -> list[object]:
    """Return what each call has come to."""
    found: list[object] = []
    for name, args, kwargs in calls:
        try:
            found.append(getattr(dog, name)(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - which one it is, is compared
            found.append((type(error), str(error).replace("SlowDog", "Dog")))
        found.append((dog.version, dog.modified_on, len(dog.pending_events), list(dog.done)))
    return found


def written(dog: Dog) -> list[object]:
    """Return the names and values of the pending events, in the order in which they are written."""
    return [(type(each).__name__, [*event_state(each).items()]) for each in dog.pending_events[1:]]


@given(CALLS)
def test_any_calls_have_the_same_events_state_and_errors(calls):
    dog, slow = Dog(), SlowDog()

    assert outcomes(dog, calls) == outcomes(slow, calls)
    assert written(dog) == written(slow)
    assert dog.done == slow.done


@given(CALLS)
def test_the_state_is_that_of_the_events(calls):
    dog = Dog()
    outcomes(dog, [call for call in calls if call[0] not in ("bite", "fetch", "play")])

    replayed = None
    for each in dog.pending_events:
        replayed = each.mutate(replayed)

    assert vars(replayed) == {**vars(dog), "_pending_events": []}
