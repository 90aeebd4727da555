"""Snapshots: an aggregate's state, from which it is made again."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import pytest

from eventsourcing.domain import (
    Aggregate,
    CanSnapshotAggregate,
    ProgrammingError,
    Snapshot,
    SnapshotProtocol,
    event,
)


class Dog(Aggregate):
    """A dog that has been of another class version before."""

    class_version = 2

    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)

    @staticmethod
    def upcast_v1_v2(state: dict) -> None:
        state["tricks"] = state.pop("trick").split(",")


@pytest.fixture
def dog() -> Dog:
    dog = Dog("Fido")
    dog.add_trick("sit")
    dog.collect_events()
    return dog


def test_snapshot_makes_an_equal_aggregate(dog):
    snapshot = Snapshot.take(dog)

    assert snapshot.mutate(None) == dog


def test_snapshot_has_the_identity_of_the_aggregate(dog):
    snapshot = Dog.Snapshot.take(dog)

    assert isinstance(snapshot, Dog.Snapshot)
    assert isinstance(snapshot, SnapshotProtocol)
    assert (snapshot.originator_id, snapshot.originator_version) == (dog.id, 2)
    assert snapshot.topic == f"{__name__}:Dog"
    assert snapshot.originator_id_type is UUID


def test_state_holds_neither_identity_nor_pending_events(dog):
    dog.add_trick("roll over")

    state = Snapshot.take(dog).state

    assert state.keys() == {"_created_on", "_modified_on", "name", "tricks", "class_version"}


def test_snapshot_does_not_change_with_the_aggregate(dog):
    snapshot = Snapshot.take(dog)

    dog.add_trick("roll over")

    assert snapshot.state["tricks"] == ["sit"]


def test_aggregate_goes_on_from_a_snapshot(dog):
    again = Snapshot.take(dog).mutate(None)
    again.add_trick("roll over")

    assert again.version == 3
    assert again.pending_events[0].originator_version == 3


def test_class_version_is_kept_only_where_it_is_not_one(dog):
    class Cat(Aggregate):
        pass

    assert Snapshot.take(dog).state["class_version"] == 2
    assert "class_version" not in Snapshot.take(Cat()).state


def test_old_state_is_upcast(dog):
    snapshot = Snapshot.take(dog)
    state = dict(snapshot.state, trick="sit,roll over")
    del state["class_version"], state["tricks"]

    again = replace(snapshot, state=state).mutate(None)

    assert again.tricks == ["sit", "roll over"]
    assert "trick" in state


def test_missing_upcast_is_named(dog):
    class Cat(Aggregate):
        class_version = 3

    snapshot = Snapshot.take(Cat())

    with pytest.raises(ProgrammingError, match=r"Define a static method upcast_v2_v3\(state\)"):
        replace(snapshot, state={**snapshot.state, "class_version": 2}).mutate(None)


def test_aggregate_of_a_class_without_versions_keeps_none():
    class Plain:
        id = "plain-1"
        version = 3

    assert "class_version" not in TextSnapshot.take(Plain()).state


@dataclass(frozen=True)
class TextSnapshot(CanSnapshotAggregate[str]):
    originator_id: str
    originator_version: int
    timestamp: datetime
    topic: str
    state: dict
