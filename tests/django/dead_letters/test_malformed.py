"""Malformed events: each is parked with what it is and why, and none of what it says is logged."""

import json
import logging

import pytest

from django_eventsourcing import registry
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.runners import State
from eventsourcing.cipher import AESCipher
from eventsourcing.environment import Environment
from tests.core.school import DogSchool
from tests.django.dead_letters.clerks import Clerk

pytestmark = pytest.mark.long_elsewhere("postgres")

SECRET = "the postman's name"
TIMESTAMP = {"_type_": "datetime_iso", "_data_": "2026-01-02T12:00:00+00:00"}


def state(**values):
    return json.dumps({"timestamp": TIMESTAMP, "trick": SECRET, **values}).encode()


MALFORMED = {
    "an unknown topic": {"topic": "tests.core.school:Cat"},
    "a renamed class": {"topic": "tests.core.school:Dog.TrickLearnt"},
    "a module that is not loaded": {"topic": "antigravity:Dog.TrickAdded"},
    "a class that is no event": {"topic": "tests.core.school:DogSchool"},
    "null": {"state": b"null"},
    "a list": {"state": b"[]"},
    "not a number": {"state": b"NaN"},
    "no text": {"state": b"\xff\xfe" + SECRET.encode()},
    "cut short": {"state": state()[:-5]},
    "nested too deep": {"state": b'{"trick":' + b"[" * 200_000 + b"]" * 200_000 + b"}"},
    "a number of a million digits": {"state": b'{"trick":' + b"1" * 1_000_000 + b"}"},
    "an unknown type": {"state": state(trick={"_type_": "no_such_type", "_data_": SECRET})},
    "a value of its type that is none": {
        "state": state(timestamp={"_type_": "datetime_iso", "_data_": SECRET})
    },
    "a missing field": {"state": json.dumps({"timestamp": TIMESTAMP}).encode()},
    "empty": {"state": b""},
}


def spoil(database, dog_id, version=2, **values):
    events = StoredEventRecord.objects.using(database).of("DogSchool").originator(dog_id)
    assert events.filter(originator_version=version).update(**values) == 1


def test_each_is_parked_and_the_others_go_on(
    configured, database, teach, run_once, letters, caplog
):
    system = configured(retries=1)
    good = teach(system, "sit")
    spoiled = {}
    for kind, values in MALFORMED.items():
        spoiled[kind] = teach(system, "sit", "stay")
        spoil(database, spoiled[kind], **values)
    teach(system, "roll over", dog_id=good)

    with caplog.at_level(logging.WARNING, "django_eventsourcing"):
        reports = run_once(system)

    assert reports["Clerk"].state is State.CAUGHT_UP
    assert system.get(Clerk).versions_of(good) == [1, 2, 3]
    assert letters("originator_id", "originator_version", "is_behind") == [
        each
        for dog_id in spoiled.values()
        for each in [(str(dog_id), 2, False), (str(dog_id), 3, True)]
    ]
    tried = letters("notification_id", "originator_id", "topic", "error", is_behind=False)
    for number, dog_id, topic, error in tried:
        assert error.startswith(
            f"MapperDeserialisationError: The event with topic {topic!r}, originator {dog_id} and "
            "version 2 cannot be read: "
        )
        assert f"DogSchool {number} ({topic})" in caplog.text
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) >= 2 * len(MALFORMED)
    assert [line for line in lines if SECRET in line] == []
    assert all(len(line) < 1_000 for line in lines)


@pytest.mark.parametrize("kind", ["cut short", "another key", "not encrypted"])
def test_a_cipher_that_does_not_fit_is_told(
    configured, database, settings, teach, run_once, letters, kind
):
    configured()
    settings.EVENTSOURCING["default"]["ENV"] = {"CIPHER_KEY": AESCipher.create_key(32)}
    registry.reset()
    system = registry.get_system()
    bad, good = teach(system, "sit"), teach(system, "sit")
    other = AESCipher(Environment("", {"CIPHER_KEY": AESCipher.create_key(32)}))
    spoil(
        database,
        bad,
        state={
            "cut short": b"\0" * 20,
            "another key": other.encrypt(state()),
            "not encrypted": state(),
        }[kind],
    )

    run_once(system)

    (error,) = letters("error")
    assert "cannot be read: ValueError: The ciphertext " in error
    assert system.get(Clerk).versions_of(good) == [1, 2]
    assert system.get(DogSchool).recorder.max_notification_id() is not None
