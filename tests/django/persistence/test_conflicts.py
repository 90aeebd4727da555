"""Conflicts between writers: one wins, the others are told, and nobody is left half-written."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django import db
from django.contrib.auth.models import Group
from django.db import connections, transaction
from django.test.utils import isolate_apps

from django_eventsourcing.models import AbstractStoredEvent, StoredEventRecord
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.recorders.aggregate import VERSION_FIELDS
from django_eventsourcing.recorders.errors import breaks_constraint
from eventsourcing.conformance import selected, stored_event
from eventsourcing.persistence import IntegrityError, RecordConflictError, Tracking
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction


def test_a_conflict_names_application_originator_and_version(application_recorder):
    event = stored_event(version=3)
    application_recorder.insert_events([event])

    with pytest.raises(RecordConflictError) as raised:
        application_recorder.insert_events([event])

    assert str(raised.value) == (
        f"Counters: version 3 of {event.originator_id} has been recorded already. "
        f"Get the aggregate again and repeat the command."
    )
    assert isinstance(raised.value.__cause__, Exception)


@pytest.mark.long_elsewhere("postgres")
def test_a_conflict_of_very_many_events_is_told_as_one(application_recorder):
    originator_id = uuid4()
    events = [stored_event(originator_id, version) for version in range(1, 1501)]
    application_recorder.insert_events(events)

    with pytest.raises(RecordConflictError) as raised:
        application_recorder.insert_events(events)

    assert str(raised.value).startswith(
        f"Counters: version 1 of {originator_id}, version 2 of {originator_id}, "
    )
    assert str(raised.value).count("version") == 5


def test_a_conflict_names_the_version_that_is_taken_among_very_many(application_recorder):
    originator_id = uuid4()
    application_recorder.insert_events([stored_event(originator_id, 333)])

    with pytest.raises(RecordConflictError) as raised:
        application_recorder.insert_events(
            [stored_event(originator_id, version) for version in range(1, 400)]
        )

    assert str(raised.value).startswith(
        f"Counters: version 333 of {originator_id} has been recorded already."
    )


def test_a_conflict_is_told_even_if_the_database_fails_to_say_more(
    application_recorder, monkeypatch
):
    event = stored_event()
    application_recorder.insert_events([event])

    def of(application_name):
        raise db.OperationalError("the server has gone away")

    monkeypatch.setattr(type(application_recorder.records), "of", staticmethod(of))
    with pytest.raises(RecordConflictError, match=f"version 1 of {event.originator_id}"):
        application_recorder.insert_events([event])


@on("default", "postgres")
def test_a_conflict_is_told_by_a_constraint_whose_name_is_cut(database):
    with isolate_apps("tests"):

        class VeryLongNamedMunicipalPermitCaseAdministrationStoredEvent(AbstractStoredEvent):
            class Meta(AbstractStoredEvent.Meta):
                app_label = "tests"
                db_table = "tests_long_named_event"

    model = VeryLongNamedMunicipalPermitCaseAdministrationStoredEvent
    recorder = DjangoApplicationRecorder("Permits", alias=database, model=model)
    event = stored_event()
    with connections[database].schema_editor() as editor:
        editor.create_model(model)
    try:
        recorder.insert_events([event])

        with pytest.raises(RecordConflictError, match=f"version 1 of {event.originator_id}"):
            recorder.insert_events([event])
    finally:
        with connections[database].schema_editor() as editor:
            editor.delete_model(model)


def test_another_constraint_than_that_of_versions_is_no_conflict(database, application_recorder):
    (taken,) = application_recorder.insert_events([stored_event()])
    record = application_recorder._record(stored_event())
    record.id = taken

    with pytest.raises(db.IntegrityError) as raised:
        application_recorder.records.bulk_create([record])

    assert not breaks_constraint(raised.value, StoredEventRecord, VERSION_FIELDS)


def test_a_conflict_leaves_the_callers_transaction_usable(database, application_recorder):
    event = stored_event()
    application_recorder.insert_events([event])

    with transaction.atomic(using=database):
        Group.objects.using(database).create(name="before")
        with pytest.raises(RecordConflictError):
            application_recorder.insert_events([stored_event(), event])
        Group.objects.using(database).create(name="after")
        application_recorder.insert_events([stored_event()])

    assert Group.objects.using(database).count() == 2
    assert len(selected(application_recorder, None, 10)) == 2


def test_a_refused_position_leaves_the_callers_transaction_usable(database, process_recorder):
    process_recorder.insert_tracking(Tracking("DogSchool", 21))

    with transaction.atomic(using=database):
        with pytest.raises(IntegrityError):
            process_recorder.insert_events([stored_event()], tracking=Tracking("DogSchool", 21))
        process_recorder.insert_events([stored_event()], tracking=Tracking("DogSchool", 22))

    assert process_recorder.max_tracking_id("DogSchool") == 22
    assert len(selected(process_recorder, None, 10)) == 1


def test_of_two_transactions_with_one_version_the_second_is_refused(database, application_recorder):
    event = stored_event()

    with Elsewhere() as first, Elsewhere() as second:
        held = OpenTransaction(first, database)
        first.do(application_recorder.insert_events, [event])
        pending = second.start(application_recorder.insert_events, [event])
        held.commit()
        with pytest.raises(RecordConflictError):
            pending.result(timeout=30)

    assert application_recorder.select_events(event.originator_id) == [event]


@pytest.mark.long_elsewhere("mariadb")
def test_commands_that_are_repeated_after_a_conflict_are_all_applied_once(
    database, application_recorder
):
    originator_id, workers, commands = uuid4(), 6, 8

    def work(worker: int) -> None:
        try:
            for command in range(commands):
                while not applied(f"{worker}-{command}"):
                    pass
        finally:
            connections.close_all()

    def applied(topic: str) -> bool:
        last = application_recorder.select_events(originator_id, desc=True, limit=1)
        version = last[0].originator_version + 1 if last else 1
        try:
            application_recorder.insert_events([stored_event(originator_id, version, topic)])
        except RecordConflictError:
            return False
        return True

    with ThreadPoolExecutor(workers) as executor:
        list(executor.map(work, range(workers), timeout=60))

    events = application_recorder.select_events(originator_id)
    assert [event.originator_version for event in events] == list(range(1, len(events) + 1))
    assert {event.topic for event in events} == {
        f"{worker}-{command}" for worker in range(workers) for command in range(commands)
    }
    assert len(events) == workers * commands
