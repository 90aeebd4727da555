"""Errors: what a database, or a value, refuses is told in the words of persistence."""

from contextlib import contextmanager
from uuid import uuid4

import pytest
from django import db
from django.db import connections

from django_eventsourcing.models import (
    NotificationCounter,
    SnapshotRecord,
    StoredEventRecord,
    TrackingRecord,
)
from django_eventsourcing.recorders import DjangoApplicationRecorder, DjangoProcessRecorder
from eventsourcing.conformance import stored_event
from eventsourcing.persistence import (
    DataError,
    OperationalError,
    PersistenceError,
    ProgrammingError,
    Tracking,
)
from tests.databases import on

ACTIONS = {
    "insert_events": lambda recorder: recorder.insert_events([stored_event()]),
    "insert_tracking": lambda recorder: recorder.insert_tracking(Tracking("DogSchool", 1)),
    "select_events": lambda recorder: recorder.select_events(uuid4()),
    "select_notifications": lambda recorder: recorder.select_notifications(1, 10),
    "max_notification_id": lambda recorder: recorder.max_notification_id(),
    "max_tracking_id": lambda recorder: recorder.max_tracking_id("DogSchool"),
    "processing": lambda recorder: recorder.processing(Tracking("DogSchool", 1)).__enter__(),
}


@pytest.fixture(params=ACTIONS)
def action(request):
    return ACTIONS[request.param]


@contextmanager
def renamed(model, alias):
    """Rename the model's table for a while."""
    table = model._meta.db_table
    with connections[alias].schema_editor() as editor:
        editor.alter_db_table(model, table, f"{table}_away")
    try:
        yield
    finally:
        with connections[alias].schema_editor() as editor:
            editor.alter_db_table(model, f"{table}_away", table)


def test_a_missing_table_says_to_migrate(database, process_recorder, action):
    with (
        renamed(StoredEventRecord, database),
        renamed(TrackingRecord, database),
        pytest.raises(ProgrammingError) as raised,
    ):
        action(process_recorder)

    text = str(raised.value)
    assert text.startswith(f"Database '{database}' lacks a table or a column: ")
    assert text.endswith(f"Run `manage.py migrate --database {database}`.")
    assert "\n" not in text
    assert isinstance(raised.value.__cause__, db.Error)


@pytest.fixture
def unreachable(database):
    """Return the alias of a database that does not answer any more."""
    connection = connections[database]
    connection.close()
    settings = connection.settings_dict
    connection.settings_dict = settings | {"PORT": "1", "NAME": "/nowhere/at/all.sqlite3"}
    yield database
    connection.settings_dict = settings


def test_a_database_that_does_not_answer_is_an_operational_error(unreachable, action):
    recorder = DjangoProcessRecorder("Counters", alias=unreachable)

    with pytest.raises(OperationalError, match=f"Database '{unreachable}': ") as raised:
        action(recorder)

    assert isinstance(raised.value.__cause__, db.OperationalError)
    assert "\n" not in str(raised.value)


def test_a_transaction_that_is_broken_is_told_by_an_error_of_persistence(
    database, application_recorder
):
    with db.transaction.atomic(using=database):
        db.transaction.set_rollback(True, using=database)
        with pytest.raises(PersistenceError, match=f"Database '{database}': .*transaction"):
            application_recorder.insert_events([stored_event()])


@pytest.mark.parametrize(
    "act",
    [
        lambda recorder: recorder.insert_events([stored_event("fido")]),
        lambda recorder: recorder.select_events("fido"),
    ],
    ids=["insert", "select"],
)
def test_an_originator_id_that_is_text_is_refused(application_recorder, act):
    with pytest.raises(DataError) as raised:
        act(application_recorder)

    assert str(raised.value) == (
        "Counters: originator id 'fido' is a str; StoredEventRecord keeps UUIDs only. Name a model "
        "for such ids by EVENT or SNAPSHOT in the application's MODELS."
    )


def test_an_application_name_that_is_too_long_is_refused_never_cut(database):
    fitting = DjangoApplicationRecorder("ü" * 255, alias=database)
    fitting.insert_events([stored_event()])

    with pytest.raises(DataError) as raised:
        DjangoApplicationRecorder("ü" * 256, alias=database)

    assert str(raised.value) == (
        f"application_name '{'ü' * 40}…' has 256 characters; StoredEventRecord keeps 255 at most."
    )
    assert StoredEventRecord.objects.using(database).get().application_name == "ü" * 255


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("t" * 1025, "has 1025 characters; StoredEventRecord keeps 1024 at most"),
        ("a\0b", "contains a NUL"),
        ("a\ud800b", "cannot be encoded"),
    ],
)
def test_a_topic_that_no_database_can_keep_is_refused(application_recorder, topic, message):
    with pytest.raises(DataError, match=message):
        application_recorder.insert_events([stored_event(topic=topic)])

    assert application_recorder.max_notification_id() is None


def test_a_version_that_no_database_can_keep_is_refused(application_recorder):
    with pytest.raises(DataError, match="version 9223372036854775808 of originator"):
        application_recorder.insert_events([stored_event(version=2**63)])


def test_a_missing_snapshot_table_says_to_migrate(database, factory):
    with renamed(SnapshotRecord, database), pytest.raises(ProgrammingError, match="migrate"):
        factory.aggregate_recorder("snapshots").insert_events([stored_event()])


@on("mariadb")
def test_a_missing_counter_table_says_to_migrate(database, application_recorder):
    with renamed(NotificationCounter, database), pytest.raises(ProgrammingError, match="migrate"):
        application_recorder.insert_events([stored_event()])
