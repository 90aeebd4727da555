"""Upcasting: stored state is brought to the present version of its class."""

import pytest

from eventsourcing.domain import Aggregate, ProgrammingError, upcast


class Dog(Aggregate):
    """A dog whose event has changed twice."""

    class Registered(Aggregate.Created):
        """The dog was registered."""

        class_version = 3

        name: str
        age: int
        owner: str

        @staticmethod
        def upcast_v1_v2(state: dict) -> None:
            state["age"] = 0

        @staticmethod
        def upcast_v2_v3(state: dict) -> None:
            state["owner"] = f"owner of {state['name']}"


def test_state_without_version_is_brought_all_the_way():
    assert upcast(Dog.Registered, {"name": "Fido"}) == {
        "name": "Fido",
        "age": 0,
        "owner": "owner of Fido",
    }


def test_state_with_a_version_is_brought_from_there():
    state = {"class_version": 2, "name": "Fido", "age": 7}

    assert upcast(Dog.Registered, state)["age"] == 7


@pytest.mark.parametrize("version", [3, 4])
def test_present_and_later_state_is_left_alone(version):
    assert upcast(Dog.Registered, {"class_version": version, "name": "Fido"}) == {"name": "Fido"}


def test_class_without_versions_leaves_state_alone():
    class Thing:
        pass

    assert upcast(Thing, {"name": "Fido"}) == {"name": "Fido"}


def test_missing_step_is_named():
    class Renamed(Aggregate.Event):
        class_version = 2

    with pytest.raises(ProgrammingError) as caught:
        upcast(Renamed, {})

    assert str(caught.value) == (
        f"{Renamed.__qualname__} has class_version 2, and a stored state has version 1. "
        "Define a static method upcast_v1_v2(state)."
    )


def test_copies_of_inherited_events_are_upcast_too():
    class Puppy(Dog):
        pass

    assert upcast(Puppy.Registered, {"name": "Rex"})["age"] == 0
