"""Large events: refused before SQL, or else read few at a time, with none passed by."""

import logging
from itertools import islice

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_eventsourcing.factory import DjangoFactory
from django_eventsourcing.recorders.pages import PAGE_MAX_BYTES
from eventsourcing.conformance import stored_event
from eventsourcing.environment import Environment
from eventsourcing.persistence import DataError, NestingTooDeepError, PayloadTooLargeError
from eventsourcing.system import NotificationLogReader, SingleThreadedRunner
from tests.core.school import Counters, Dog, DogSchool, system
from tests.databases import on

SMALL, LARGE = 10, 600
"""Bytes of state; two of the large ones are more than a page."""


def env(database, **values):
    persistence = {"PERSISTENCE_MODULE": "django_eventsourcing.factory"}
    return {**persistence, "DJANGO_DB_ALIAS": database, **values}


def recorder_of(database, name="DogSchool", page_max_bytes=1000, **values):
    recorder = DjangoFactory(Environment(name, env(database, **values))).application_recorder()
    if recorder.page_max_bytes is not None:
        recorder.page_max_bytes = page_max_bytes
    return recorder


@pytest.fixture
def recorder(database):
    return recorder_of(database, PAYLOAD_MAX_BYTES="0")


def insert(recorder, *sizes):
    return [
        id_ for size in sizes for id_ in recorder.insert_events([stored_event(state=bytes(size))])
    ]


def pages(recorder, limit=10, **kwargs):
    """Return the ids of all notifications, as they are read at a time."""
    found, start = [], None
    while page := recorder.select_notifications(start, limit, inclusive_of_start=False, **kwargs):
        found.append([notification.id for notification in page])
        start = page[-1].id
    return found


@pytest.mark.parametrize("value", ["1048577", "64000000", "0"])
def test_where_they_are_allowed_bytes_end_a_page(value):
    assert recorder_of("default", PAYLOAD_MAX_BYTES=value, page_max_bytes=5).page_max_bytes == 5


@pytest.mark.parametrize("values", [{}, {"PAYLOAD_MAX_BYTES": "1048576"}])
def test_where_they_are_not_allowed_only_the_limit_ends_a_page(values):
    assert recorder_of("default", **values).page_max_bytes is None


def test_bytes_of_a_page_are_few():
    factory = DjangoFactory(Environment("DogSchool", env("default", PAYLOAD_MAX_BYTES="0")))

    assert factory.application_recorder().page_max_bytes == PAGE_MAX_BYTES == 16 * 1024 * 1024
    assert factory.process_recorder().page_max_bytes == PAGE_MAX_BYTES


def test_a_page_ends_with_the_event_that_has_the_bytes(recorder):
    a, b, c, d, e, f, g = insert(recorder, LARGE, LARGE, LARGE, SMALL, 5000, SMALL, SMALL)

    assert pages(recorder) == [[a, b], [c, d, e], [f, g]]


def test_a_page_ends_with_the_limit_as_well(recorder):
    a, b, c, d, e = insert(recorder, SMALL, SMALL, SMALL, LARGE, LARGE)

    assert pages(recorder, limit=2) == [[a, b], [c, d], [e]]
    assert pages(recorder, limit=1) == [[a], [b], [c], [d], [e]]


def test_events_of_others_are_no_part_of_a_page(recorder, database):
    others = recorder_of(database, "CatSchool", PAYLOAD_MAX_BYTES="0")
    ids = []
    for _ in range(3):
        insert(others, 5000)
        ids += insert(recorder, LARGE)

    assert pages(recorder) == [ids[:2], ids[2:]]
    assert pages(recorder, stop=ids[0]) == [ids[:1]]


def test_none_is_passed_by_where_ids_have_gaps(recorder, database):
    ids = []
    for _ in range(4):
        ids += insert(recorder, LARGE, SMALL)
        with transaction.atomic(using=database):
            insert(recorder, SMALL)
            transaction.set_rollback(True, using=database)

    found = pages(recorder)

    assert [id_ for page in found for id_ in page] == ids
    assert max(map(len, found)) <= 4


def test_none_is_passed_by_that_is_behind_a_large_one_when_others_come(recorder):
    ids = insert(recorder, *[5000] * 4)
    seen = [recorder.select_notifications(None, 10)[0].id]
    ids += insert(recorder, SMALL)

    while page := recorder.select_notifications(seen[-1], 10, inclusive_of_start=False):
        seen += [notification.id for notification in page]

    assert seen == ids


def test_a_subscription_yields_them_all(recorder):
    ids = insert(recorder, LARGE, SMALL, LARGE, LARGE, SMALL)

    with recorder.subscribe() as subscription:
        assert [notification.id for notification in islice(subscription, 5)] == ids


def test_sections_are_linked_though_they_are_short(database):
    school = DogSchool(env(database, PAYLOAD_MAX_BYTES="0"))
    school.recorder.page_max_bytes = 1000
    ids = insert(school.recorder, LARGE, LARGE, LARGE, SMALL, 5000, SMALL)

    section = school.notification_log[f"{ids[0]},{ids[0] + 9}"]
    reader = NotificationLogReader(school.notification_log)

    assert section.id == f"{ids[0]},{ids[1]}"
    assert [notification.id for notification in reader.read(start=ids[0])] == ids
    assert [[n.id for n in page] for page in reader.select()] == [ids[:2], ids[2:5], ids[5:]]


def test_a_follower_processes_them_all(database):
    with SingleThreadedRunner(system, env(database, PAYLOAD_MAX_BYTES="0")) as runner:
        school = runner.get(DogSchool)
        school.recorder.page_max_bytes = 1000
        dog = Dog("Fido")
        for _ in range(25):
            dog.add_trick("x" * 600)

        school.save(dog)

        assert runner.get(Counters).get_count("x" * 600) == 25


@pytest.mark.parametrize(("values", "number"), [({}, 1), ({"PAYLOAD_MAX_BYTES": "0"}, 2)])
def test_their_sizes_are_asked_for_only_where_they_are_allowed(database, values, number):
    recorder = recorder_of(database, **values)
    insert(recorder, *[LARGE] * 12)
    # What is settled is known then.
    (first, *_) = recorder.select_notifications(None, 10)

    with CaptureQueriesContext(connections[database]) as queries:
        recorder.select_notifications(first.id, 2)

    assert len(queries) == number, queries.captured_queries


@on("mariadb")
def test_what_the_server_takes_in_no_packet_is_refused_and_the_connection_is_kept(database):
    recorder = recorder_of(database, PAYLOAD_MAX_BYTES="0")
    with connections[database].cursor() as cursor:
        cursor.execute("SELECT @@max_allowed_packet, CONNECTION_ID()")
        packet, session = cursor.fetchone()

    with transaction.atomic(using=database):
        insert(recorder, SMALL)
        with pytest.raises(DataError) as caught:
            # Each byte is two in the statement.
            insert(recorder, packet // 2)
        insert(recorder, packet // 2 - 10_000)

    size = packet // 2 * 2 + 2048
    assert str(caught.value) == (
        f"DogSchool: 1 event(s) need {size} bytes in one statement, and max_allowed_packet of "
        f"database 'mariadb' is {packet}. Save fewer or smaller events at once, or raise "
        f"max_allowed_packet on the server."
    )
    assert [len(page) for page in pages(recorder)] == [2]
    with connections[database].cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        assert cursor.fetchone() == (session,)


def test_a_refused_event_reaches_no_database(database):
    school = DogSchool(env(database))
    dog = Dog("Fido")
    dog.add_trick("x" * 2**20)

    with (
        CaptureQueriesContext(connections[database]) as queries,
        pytest.raises(PayloadTooLargeError, match=r"^DogSchool: The event .*Dog\.TrickAdded"),
    ):
        school.save(dog)

    assert len(queries) == 0
    assert len(dog.pending_events) == 2


def test_a_refused_event_leaves_the_transaction_usable(database):
    school = DogSchool(env(database))

    with transaction.atomic(using=database):
        dog_id = school.register_dog("Fido")
        with pytest.raises(NestingTooDeepError):
            school.add_trick(dog_id, deep(200))
        school.add_trick(dog_id, "sit")

    assert school.get_dog(dog_id)["tricks"] == ("sit",)


def test_a_snapshot_that_is_too_large_is_no_failure_of_the_save(database, caplog):
    class Snapshotting(DogSchool):
        name = "DogSchool"
        snapshotting_intervals = {Dog: 2}

    school = Snapshotting(env(database, PAYLOAD_MAX_BYTES="1000"))

    with caplog.at_level(logging.WARNING), transaction.atomic(using=database):
        dog_id = school.register_dog("x" * 600)
        school.add_trick(dog_id, "y" * 600)

    assert school.get_dog(dog_id)["tricks"] == ("y" * 600,)
    assert list(school.snapshots.get(dog_id)) == []
    assert "PAYLOAD_MAX_BYTES is 1000" in caplog.text


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sizes=st.lists(st.integers(0, 1200), min_size=1, max_size=4),
    letter=st.sampled_from(["x", "é", "\\"]),
)
def test_a_save_is_read_back_or_refused_with_nothing_stored(database, sizes, letter):
    school = DogSchool(env(database, PAYLOAD_MAX_BYTES="1000"))
    before = school.recorder.max_notification_id()
    dog = Dog("Fido")
    for size in sizes:
        dog.add_trick(letter * size)

    try:
        school.save(dog)
    except PayloadTooLargeError:
        assert school.recorder.max_notification_id() == before
        assert len(dog.pending_events) == 1 + len(sizes)
    else:
        assert school.get_dog(dog.id)["tricks"] == tuple(letter * size for size in sizes)
        assert len(letter.encode()) * max(sizes) < 1000


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value
