"""The mapper: domain events to stored events and back, and one error for all that goes wrong."""

import sys
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

import tests.core.persistence.topics  # noqa: F401 - stored data has nothing imported
from eventsourcing.application import Application
from eventsourcing.persistence import (
    Cipher,
    JSONTranscoder,
    Mapper,
    MapperDeserialisationError,
    StoredEvent,
)
from eventsourcing.topics import _found, _registered, _topics, clear_topic_cache, register_topic
from tests.core.persistence.versions import Moved
from tests.core.school import Dog


class Reversing(Cipher):
    """Stands in for encryption: reversible, and refuses what it did not make."""

    def __init__(self, environment=None):
        pass

    def encrypt(self, plaintext):
        return b"!" + plaintext[::-1]

    def decrypt(self, ciphertext):
        if not ciphertext.startswith(b"!"):
            raise ValueError("not a ciphertext")
        return ciphertext[:0:-1]


def transcoder():
    transcoder = JSONTranscoder()
    Application.register_transcodings(None, transcoder)
    return transcoder


@pytest.fixture
def trick_added():
    dog = Dog("Fido")
    dog.add_trick("roll over")
    return dog.collect_events()[1]


def test_keeps_originator_and_topic_apart_from_the_state(trick_added):
    stored = Mapper(transcoder()).to_stored_event(trick_added)

    assert stored.originator_id == trick_added.originator_id
    assert stored.originator_version == 2
    assert stored.topic == "tests.core.school:Dog.TrickAdded"
    assert stored.state == (
        b'{"timestamp":{"_type_":"datetime_iso","_data_":"%s"},"trick":"roll over"}'
        % trick_added.timestamp.isoformat().encode()
    )


@pytest.mark.parametrize("compressor", [None, zlib])
@pytest.mark.parametrize("cipher", [None, Reversing()])
def test_gives_back_an_equal_event(trick_added, compressor, cipher):
    mapper = Mapper(transcoder(), compressor, cipher)

    assert mapper.to_domain_event(mapper.to_stored_event(trick_added)) == trick_added


def test_encrypts_what_has_been_compressed(trick_added):
    mapper = Mapper(transcoder(), zlib, Reversing())

    state = mapper.to_stored_event(trick_added).state

    assert b"roll over" in zlib.decompress(state[:0:-1])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"topic": "tests.core.school:Dog.Flown"}, "TopicError"),
        ({"topic": "os:system"}, "TypeError: the topic does not name an event class"),
        ({"state": b"null"}, "TypeError: the state is NoneType, not a mapping"),
        ({"state": b"[]"}, "TypeError: the state is list, not a mapping"),
        ({"state": b'{"trick":"sit"}'}, "ValueError: the state lacks timestamp"),
        ({"state": b'{"trick'}, "JSONDecodeError"),
        ({"state": b"\xff\xfe"}, "UnicodeDecodeError"),
        ({"state": b'{"_type_":"x","_data_":1}'}, "TranscodingNotRegisteredError"),
        ({"state": b"[" * 100_000}, "NestingTooDeepError"),
    ],
)
def test_names_topic_id_and_version_of_an_event_that_cannot_be_read(trick_added, changes, reason):
    mapper = Mapper(transcoder())
    stored = replace(mapper.to_stored_event(trick_added), **changes)

    with pytest.raises(MapperDeserialisationError) as caught:
        mapper.to_domain_event(stored)

    assert str(caught.value).startswith(
        f"The event with topic {stored.topic!r}, originator {stored.originator_id} and version 2 "
        f"cannot be read: {reason}"
    )


def test_refuses_state_that_is_not_compressed(trick_added):
    stored = Mapper(transcoder()).to_stored_event(trick_added)

    with pytest.raises(MapperDeserialisationError, match="cannot be read: error: Error -3"):
        Mapper(transcoder(), zlib).to_domain_event(stored)


def test_refuses_state_that_is_not_encrypted(trick_added):
    stored = Mapper(transcoder()).to_stored_event(trick_added)

    with pytest.raises(MapperDeserialisationError, match="ValueError: not a ciphertext"):
        Mapper(transcoder(), None, Reversing()).to_domain_event(stored)


def test_upcasts_older_state_to_the_present_version_of_its_class():
    state = b'{"timestamp":{"_type_":"datetime_iso","_data_":"2020-01-01T00:00:00+00:00"},"n":1}'
    stored = StoredEvent(uuid4(), 2, "tests.core.persistence.versions:Moved.Stepped", state)

    event = Mapper(transcoder()).to_domain_event(stored)

    assert event.steps == 1


def test_gives_the_id_the_type_that_the_class_states(trick_added):
    mapper = Mapper(transcoder())
    stored = mapper.to_stored_event(trick_added)

    read = mapper.to_domain_event(replace(stored, originator_id=str(stored.originator_id)))

    assert read == trick_added


def test_refuses_an_id_that_is_not_of_the_type_that_the_class_states(trick_added):
    mapper = Mapper(transcoder())
    stored = replace(mapper.to_stored_event(trick_added), originator_id="dog-1")

    with pytest.raises(
        MapperDeserialisationError, match="originator dog-1 and version 2 cannot be read: ValueErr"
    ):
        mapper.to_domain_event(stored)


def test_stores_the_class_version_where_it_is_not_the_first():
    moved = Moved()
    moved.step(3)

    assert (
        b'"class_version":2'
        in Mapper(transcoder()).to_stored_event(moved.collect_events()[1]).state
    )


@dataclass(frozen=True)
class Barked:
    """An event that inherits nothing, and therefore has no class version."""

    originator_id: str
    originator_version: int


def test_keeps_no_class_version_of_a_class_that_has_none():
    assert Mapper(transcoder()).to_stored_event(Barked("dog-1", 1)).state == b"{}"


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("os:system", "TypeError: the topic does not name an event class"),
        ("subprocess:Popen", "TypeError: the topic does not name an event class"),
        ("pathlib:Path", "TypeError: the topic does not name an event class"),
        (
            "tests.core.persistence.never_imported:Event",
            (
                "TopicError: Topic 'tests.core.persistence.never_imported:Event' cannot be resolved: "
                "module 'tests.core.persistence.never_imported' has not been imported, and stored data "
                "may not have it imported. Import it where the application is defined, or register "
                "the topic."
            ),
        ),
        (
            "tests.core.school:Dog.__init__.__globals__",
            (
                "TopicError: Topic 'tests.core.school:Dog.__init__.__globals__' cannot be resolved: "
                "'__init__' is not the name of a class."
            ),
        ),
    ],
)
def test_a_topic_of_something_else_runs_nothing(trick_added, topic, reason):
    mapper = Mapper(transcoder())
    stored = replace(mapper.to_stored_event(trick_added), topic=topic)
    before = set(sys.modules)

    with pytest.raises(MapperDeserialisationError) as caught:
        mapper.to_domain_event(stored)

    assert str(caught.value).endswith(reason)
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "topic", ["os:system", "subprocess:Popen", "tests.core.school:Dog.Registered"]
)
def test_an_event_that_says_it_makes_something_else_makes_nothing(topic):
    (registered,) = Dog("Fido").collect_events()
    mapper = Mapper(transcoder())
    stored = mapper.to_stored_event(registered)
    state = stored.state.replace(b"tests.core.school:Dog", topic.encode())

    event = mapper.to_domain_event(replace(stored, state=state))

    with pytest.raises(TypeError, match=f"'{topic}' does not name a class of aggregates."):
        event.mutate(None)


@pytest.mark.parametrize("name", ["VALUES", "NUMBERS", "INSTANCE", "Unhashable", "Renamed"])
def test_a_topic_that_names_no_event_class_is_told_each_time(trick_added, name):
    mapper = Mapper(transcoder())
    stored = replace(
        mapper.to_stored_event(trick_added), topic=f"tests.core.persistence.topics:{name}"
    )

    for _ in range(2):
        with pytest.raises(
            MapperDeserialisationError, match="TypeError: the topic does not name an event class$"
        ):
            mapper.to_domain_event(stored)


STEPPED = "tests.core.persistence.versions:Moved.Stepped"


def stepped(version=None, **values):
    """Return a stored event of this version of its class."""
    state = {"timestamp": datetime.now(UTC), **values}
    if version is not None:
        state["class_version"] = version
    return StoredEvent(uuid4(), 2, STEPPED, transcoder().encode(state))


@pytest.mark.parametrize(
    "stored", [stepped(n=1), stepped(1, n=1), stepped(2, steps=1), stepped(3, steps=1)]
)
def test_state_of_each_version_is_read(stored):
    event = Mapper(transcoder()).to_domain_event(stored)

    assert event.steps == 1
    assert not hasattr(event, "n")
    assert event.class_version == 2
    assert "class_version" not in vars(event)


def test_state_of_a_later_version_is_read_by_a_class_that_has_none(trick_added):
    mapper = Mapper(transcoder())
    state = mapper.transcoder.encode(
        {"timestamp": trick_added.timestamp, "trick": "sit", "class_version": 2}
    )

    event = mapper.to_domain_event(replace(mapper.to_stored_event(trick_added), state=state))

    assert event.trick == "sit"
    assert "class_version" not in vars(event)


def test_a_version_that_is_lacking_is_named():
    stored = replace(stepped(n=1), topic="tests.core.persistence.versions:Unsteady.Stepped")

    with pytest.raises(
        MapperDeserialisationError,
        match=(
            "ProgrammingError: Unsteady.Stepped has class_version 2, and a stored state has version "
            "1. Define a static method upcast_v1_v2"
        ),
    ):
        Mapper(transcoder()).to_domain_event(stored)


@pytest.fixture
def topics():
    """Leave topics as they were."""
    before = [dict(each) for each in (_registered, _found, _topics)]
    yield
    for each, was in zip((_registered, _found, _topics), before, strict=True):
        each.clear()
        each.update(was)


def test_an_event_is_read_after_topics_have_been_forgotten(trick_added, topics):
    mapper = Mapper(transcoder())
    stored = mapper.to_stored_event(trick_added)
    clear_topic_cache()

    assert mapper.to_domain_event(stored) == trick_added
    assert mapper.to_stored_event(trick_added) == stored


def test_an_old_topic_may_be_registered_after_it_could_not_be_read(trick_added, topics):
    mapper = Mapper(transcoder())
    stored = replace(mapper.to_stored_event(trick_added), topic="tests.core.school:Dog.Taught")
    with pytest.raises(MapperDeserialisationError, match="TopicError"):
        mapper.to_domain_event(stored)

    register_topic("tests.core.school:Dog.Taught", Dog.TrickAdded)

    assert mapper.to_domain_event(stored) == trick_added


def test_a_topic_that_is_registered_for_another_class_is_read_as_that(trick_added, topics):
    mapper = Mapper(transcoder())
    stored = mapper.to_stored_event(trick_added)
    mapper.to_domain_event(stored)

    register_topic(stored.topic, Puppy.TrickAdded)

    assert type(mapper.to_domain_event(stored)) is Puppy.TrickAdded


class Puppy(Dog):
    """A dog with event classes of its own."""
