"""Explicit topics: an aggregate that states its own has events that state theirs."""

import pytest

from eventsourcing.domain import Aggregate, AggregateCreated, ProgrammingError, event
from eventsourcing.topics import get_topic, resolve_topic


def test_topics_are_used_and_found():
    class Dog(Aggregate):
        TOPIC = "test_topics_are_used:dog"

        @event("Registered", topic="test_topics_are_used:registered")
        def __init__(self, name: str) -> None:
            self.name = name

        class Fed(Aggregate.Event):
            TOPIC = "test_topics_are_used:fed"

    dog = Dog("Fido")
    dog.trigger_event(Dog.Fed)

    assert dog.pending_events[0].originator_topic == "test_topics_are_used:dog"
    assert [get_topic(type(each)) for each in dog.pending_events] == [
        "test_topics_are_used:registered",
        "test_topics_are_used:fed",
    ]
    assert resolve_topic("test_topics_are_used:fed") is Dog.Fed


@pytest.mark.parametrize("lacking", ["Fed", "Created"])
def test_event_without_topic_is_refused(lacking):
    with pytest.raises(ProgrammingError, match=f"Dog has an explicit TOPIC, but .*{lacking} has"):

        class Dog(Aggregate):
            TOPIC = "test_event_without_topic:dog"

            class Created(Aggregate.Created):
                if lacking != "Created":
                    TOPIC = "test_event_without_topic:created"

            class Fed(Aggregate.Event):
                if lacking != "Fed":
                    TOPIC = "test_event_without_topic:fed"


def test_one_topic_twice_is_refused():
    with pytest.raises(ProgrammingError, match="TOPIC 'test_one_topic:dog' of .* is the TOPIC of"):

        class Dog(Aggregate):
            TOPIC = "test_one_topic:dog"

            class Created(Aggregate.Created):
                TOPIC = "test_one_topic:dog"


def test_event_class_without_topic_is_not_triggered():
    class Dog(Aggregate):
        TOPIC = "test_bare_event:dog"

        class Created(Aggregate.Created):
            TOPIC = "test_bare_event:created"

    dog = Dog()

    with pytest.raises(ProgrammingError, match="so it can't trigger .*Dog.Event, which has none"):
        dog.trigger_event(Dog.Event)

    assert dog.version == 1


def test_subclass_does_not_share_the_topic():
    class Dog(Aggregate):
        TOPIC = "test_subclass:dog"

        class Created(Aggregate.Created):
            TOPIC = "test_subclass:created"

    class Puppy(Dog):
        pass

    assert get_topic(Puppy) == f"{__name__}:{Puppy.__qualname__}"
    assert type(Puppy().pending_events[0]) is Puppy.Created


def test_created_event_without_topic_is_not_triggered():
    class Cat(Aggregate):
        TOPIC = "cats:created"

        class Born(Aggregate.Created):
            TOPIC = "cats:created-born"

    with pytest.raises(ProgrammingError, match="so it can't trigger AggregateCreated, which has"):
        Cat._create(AggregateCreated)
