"""Scopes: what is given around a block of code is recorded with the events that are saved in it."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

import django_eventsourcing
from django_eventsourcing import current_metadata, event_metadata, get_application, processed_event
from django_eventsourcing.models import SnapshotRecord, StoredEventRecord
from eventsourcing.conformance import stored_event, stream
from eventsourcing.persistence import IntegrityError
from tests.core.school import DogSchool
from tests.databases import on
from tests.django.metadata.rows import metadata_of


def test_events_have_what_was_given_around_them(configured, database):
    configured()
    school = get_application(DogSchool)

    with event_metadata(user="ann", order="4711"):
        dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")

    assert metadata_of(database) == [{"user": "ann", "order": "4711"}, {}]


def test_inner_blocks_add_to_outer_ones_and_override_them():
    with event_metadata({"user": "ann", "order-no": 1}, correlation_id="c"):
        with event_metadata({"order-no": 2}, user=None, note=None):
            inner = current_metadata()
        outer = current_metadata()

    assert inner == {"order-no": 2, "correlation_id": "c", "note": None}
    assert outer == {"user": "ann", "order-no": 1, "correlation_id": "c"}
    assert current_metadata() == {}


def test_a_block_that_raises_is_left():
    with pytest.raises(RuntimeError, match="stop"), event_metadata(user="ann"):
        raise RuntimeError("stop")

    assert current_metadata() == {}


def test_nothing_is_invented_outside(configured, database):
    configured()
    get_application(DogSchool).register_dog("Fido")

    assert metadata_of(database) == [{}]
    assert processed_event() is None


def test_all_events_of_a_save_go_in_one_insert(database, application_recorder):
    application_recorder.insert_events([stored_event()])

    with (
        event_metadata(user="ann"),
        CaptureQueriesContext(connections[database]) as queries,
    ):
        application_recorder.insert_events(stream(*range(1, 51)))

    assert sum("INSERT INTO" in query["sql"] for query in queries) == 1
    assert (
        metadata_of(database, application_recorder.application_name)[1:] == [{"user": "ann"}] * 50
    )


def test_what_is_rolled_back_leaves_nothing(configured, database):
    configured()
    school = get_application(DogSchool)

    with event_metadata(user="ann"):
        with transaction.atomic(using=database):
            school.register_dog("Fido")
            transaction.set_rollback(True, using=database)
        school.register_dog("Rex")

    assert metadata_of(database) == [{"user": "ann"}]


def test_a_conflict_is_told_as_ever(database, application_recorder):
    event = stored_event()

    with event_metadata(user="ann"):
        application_recorder.insert_events([event])
        with pytest.raises(IntegrityError, match="has been recorded already"):
            application_recorder.insert_events([event])


@on("default")
def test_snapshots_have_none(configured, database, monkeypatch):
    monkeypatch.setattr(DogSchool, "is_snapshotting_enabled", True)
    configured()
    school = get_application(DogSchool)

    with event_metadata(user="ann"):
        dog_id = school.register_dog("Fido")
        school.take_snapshot(dog_id)

    assert SnapshotRecord.objects.using(database).get().originator_id == dog_id
    assert metadata_of(database) == [{"user": "ann"}]


@on("default")
def test_threads_have_their_own(configured, database):
    configured()
    school = get_application(DogSchool)
    barrier = threading.Barrier(4)
    found = {}

    def register(user):
        try:
            before = current_metadata()
            with event_metadata(user=user):
                barrier.wait(10)
                found[user] = (before, str(school.register_dog(user)))
        finally:
            connections.close_all()

    with event_metadata(user="main"):
        threads = [threading.Thread(target=register, args=(f"user {n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert len(found) == 4
    for user, (before, dog_id) in found.items():
        assert before == {}
        record = StoredEventRecord.objects.using(database).get(originator_id=dog_id)
        assert record.metadata == {"user": user}


def test_tasks_have_their_own():
    async def work(user, meeting):
        with event_metadata(user=user):
            await meeting.wait()
            return current_metadata(), await sync_to_async(current_metadata)()

    async def main():
        meeting = asyncio.Barrier(3)
        with event_metadata(order=1):
            return await asyncio.gather(*(work(f"user {n}", meeting) for n in range(3)))

    for number, found in enumerate(asyncio.run(main())):
        assert found == ({"order": 1, "user": f"user {number}"},) * 2


def test_the_names_are_those_of_the_package():
    assert django_eventsourcing.event_metadata is event_metadata
    assert {"event_metadata", "current_metadata", "processed_event"} <= set(
        django_eventsourcing.__all__
    )
