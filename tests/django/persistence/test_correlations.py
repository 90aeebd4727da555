"""The index of correlation ids: a trace is found by it, and by nothing else, on each database."""

import re

import pytest
from django.apps import apps
from django.db import connections
from django.db.migrations.state import ProjectState

from django_eventsourcing.correlations import LENGTH, has_index
from django_eventsourcing.database_checks import check_commit_order
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.operations import AddCorrelationIndex
from django_eventsourcing.registry import reset
from eventsourcing.conformance import stored_event
from tests.databases import on

NAME = "django_eventsourcing_storedeventrecord_correlation"
TABLE = StoredEventRecord._meta.db_table


def record(alias, metadata, application="DogSchool"):
    event = stored_event()
    return StoredEventRecord.objects.using(alias).create(
        application_name=application,
        originator_id=event.originator_id,
        originator_version=event.originator_version,
        topic=event.topic,
        state=event.state,
        metadata=metadata,
    )


def correlated(alias, correlation_id, names=("DogSchool",)):
    events = StoredEventRecord.objects.using(alias).filter(application_name__in=names)
    return events.correlated_by(correlation_id)


@pytest.fixture
def many(database):
    """Record many events, three of which belong together; and let the database count them."""
    for n in range(10):
        events = [
            StoredEventRecord(
                application_name="DogSchool" if m % 2 else "CatSchool",
                originator_id=event.originator_id,
                originator_version=1,
                topic=event.topic,
                state=event.state,
                metadata={"correlation_id": f"request {n} {m // 4}"} if m % 4 else {},
            )
            for m, event in ((m, stored_event()) for m in range(500))
        ]
        StoredEventRecord.objects.using(database).bulk_create(events)
    with connections[database].cursor() as cursor:
        cursor.execute(f"ANALYZE {'TABLE ' if database == 'mariadb' else ''}{TABLE}")


@pytest.mark.parametrize("names", [("DogSchool",), ("DogSchool", "CatSchool")])
def test_a_trace_is_one_ordered_read_of_the_index(database, many, names):
    found = correlated(database, "request 7 100", names)[:1001]

    plan = found.explain()

    assert len(found) == (2 if len(names) == 1 else 3)
    assert NAME in plan
    # The index gives the events in the order of their ids: nothing is sorted.
    assert not re.search("sort|TEMP B-TREE", plan, re.IGNORECASE)


def test_others_correlations_and_applications_are_left_out(database):
    ours = [record(database, {"correlation_id": "one"}) for _ in range(2)]
    for metadata in ({}, {"correlation_id": "other"}, {"user": "one"}, ["one"], "one", 1):
        record(database, metadata)
    record(database, {"correlation_id": "one"}, application="CatSchool")

    assert [each.id for each in correlated(database, "one")] == [each.id for each in ours]


def test_a_correlation_id_may_be_as_long_as_metadata_may_be(database):
    long = "ä'" * 3_000

    event = record(database, {"correlation_id": long})

    assert correlated(database, long).get() == event
    assert not correlated(database, long[: LENGTH - 1]).exists()


def test_it_is_asked_for_in_a_parameter(database):
    record(database, {"correlation_id": "one"})

    assert not correlated(database, "' OR '1' = '1").exists()
    assert not correlated(database, "one%").exists()


def _migrate(alias, *, is_back=False):
    operation, state = AddCorrelationIndex("StoredEventRecord"), ProjectState.from_apps(apps)
    with connections[alias].schema_editor() as editor:
        run = operation.database_backwards if is_back else operation.database_forwards
        run("django_eventsourcing", editor, state, state)


@pytest.fixture
def without_index(database):
    _migrate(database, is_back=True)
    yield database
    if not has_index(database, StoredEventRecord):
        _migrate(database)


def test_the_operation_is_reversible(without_index):
    with connections[without_index].cursor() as cursor:
        columns = connections[without_index].introspection.get_table_description(cursor, TABLE)
    assert not has_index(without_index, StoredEventRecord)
    assert "correlation_key" not in [column.name for column in columns]

    _migrate(without_index)

    assert has_index(without_index, StoredEventRecord)


def test_events_that_were_there_before_are_indexed_too(without_index):
    event = record(without_index, {"correlation_id": "one"})

    _migrate(without_index)

    assert correlated(without_index, "one").get() == event


def test_w010_a_table_without_the_index(settings, without_index):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.system", "DATABASE": without_index}
    }

    [message] = check_commit_order(databases=[without_index])

    reset()
    assert message.id == "django_eventsourcing.W010"
    assert message.msg == (
        f"The table '{TABLE}' of django_eventsourcing.StoredEventRecord in the database "
        f"'{without_index}' has no index of correlation ids: only its newest events are searched "
        "for what belongs to a trace."
    )
    assert message.hint == (
        "Add AddCorrelationIndex('StoredEventRecord') to a migration, and run it. On SQLite, add "
        "it anew after a migration that has made the table again."
    )


@on("default")
def test_that_sqlite_loses_it_when_the_table_is_made_again_is_noticed(settings, database):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.system", "DATABASE": database}
    }
    with connections[database].schema_editor() as editor:
        editor._remake_table(StoredEventRecord)

    found = check_commit_order(databases=[database])
    reset()
    _migrate(database)

    assert [message.id for message in found] == ["django_eventsourcing.W010"]
    assert check_commit_order(databases=[database]) == []


def test_it_is_described_and_named():
    operation = AddCorrelationIndex("StoredEventRecord")

    assert operation.describe() == "Index the correlation ids of StoredEventRecord"
    assert operation.migration_name_fragment == "storedeventrecord_correlation_index"
