"""Dogs that learn tricks, and counters of how often each trick has been learnt."""

from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.domain import Aggregate, event

__all__ = ["Counter", "Dog"]


class Dog(Aggregate):
    """A dog of the school and the tricks it has learnt."""

    class Registered(Aggregate.Created):
        """A dog has come to the school."""

        name: str

    class TrickAdded(Aggregate.Event):
        """A dog has learnt a trick."""

        trick: str

    @event(Registered)
    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    @event(TrickAdded)
    def add_trick(self, trick: str) -> None:
        """Let the dog learn a trick."""
        self.tricks.append(trick)


class Counter(Aggregate):
    """How often a trick has been learnt, by any dog."""

    class Started(Aggregate.Created):
        """A trick has been learnt for the first time."""

        name: str

    class Incremented(Aggregate.Event):
        """The trick has been learnt once more."""

    @event(Started)
    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    @classmethod
    def create_id(cls, name: str) -> UUID:
        """Return the id that the counter of a trick always has."""
        return uuid5(NAMESPACE_URL, f"/counters/{name}")

    @event(Incremented)
    def increment(self) -> None:
        """Count one more."""
        self.count += 1
