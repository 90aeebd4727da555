"""The notification log as JSON: a client elsewhere reads what is here, filters included."""

import json

import pytest

from eventsourcing.interface import NotificationLogJSONClient, NotificationLogJSONService
from eventsourcing.persistence import StoredEvent
from eventsourcing.system import NotificationLogReader
from tests.core.school import Counters, DogSchool


@pytest.fixture
def school():
    school = DogSchool()
    dog_id = school.register_dog("Fido")
    for number in range(14):
        school.add_trick(dog_id, f"trick {number}")
    return school


@pytest.fixture
def client(school):
    return NotificationLogJSONClient(NotificationLogJSONService(school))


def test_sections_are_the_same_as_here(school, client):
    assert client["1,10"] == school.notification_log["1,10"]
    assert client["11,20"] == school.notification_log["11,20"]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((1, 10), {}),
        ((None, 3), {}),
        ((5, 10), {"stop": 7}),
        ((5, 10), {"inclusive_of_start": False}),
        ((1, 10), {"topics": ["tests.core.school:Dog.Registered"]}),
    ],
)
def test_selections_are_the_same_as_here(school, client, args, kwargs):
    assert client.select(*args, **kwargs) == school.notification_log.select(*args, **kwargs)


def test_state_is_base64_and_ids_are_hexadecimal(school):
    (item,) = json.loads(NotificationLogJSONService(school).get_notifications(1, 1))

    assert len(item["originator_id"]) == 32
    assert item["state"].isascii()
    assert item["topic"] == "tests.core.school:Dog.Registered"


def test_ids_that_are_texts_stay_texts(client, school):
    looks_like_a_uuid = "0" * 32
    school.recorder.insert_events([StoredEvent(looks_like_a_uuid, 1, "a:B", b"")])

    assert client.select(16, 1)[0].originator_id == looks_like_a_uuid


def test_a_reader_follows_the_links(client):
    ids = [n.id for n in NotificationLogReader(client).read(start=3)]

    assert ids == list(range(3, 16))


def test_a_reader_selects_to_the_end(client):
    batches = list(NotificationLogReader(client, section_size=4).select(start=1))

    assert [len(batch) for batch in batches] == [4, 4, 4, 3]


def test_a_follower_can_follow_it(client):
    counters = Counters()
    counters.follow("DogSchool", client)

    counters.pull_and_process("DogSchool")

    assert counters.get_count("trick 3") == 1
