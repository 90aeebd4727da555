"""The models: their tables, what they refuse, and that they are for looking at only."""

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connections

from django_eventsourcing.models import SnapshotRecord, StoredEventRecord, TrackingRecord
from eventsourcing.conformance import stored_event
from tests.databases import on


def unsaved(model, **values):
    event = stored_event()
    return model(
        **{
            "application_name": "DogSchool",
            "originator_id": event.originator_id,
            "originator_version": 1,
            "topic": event.topic,
            "state": event.state,
        }
        | values
    )


def test_the_tables_carry_the_apps_name():
    for model in apps.get_app_config("django_eventsourcing").get_models():
        if model._meta.managed:
            assert model._meta.db_table.startswith("django_eventsourcing_")


@pytest.mark.parametrize("model", [StoredEventRecord, SnapshotRecord, TrackingRecord])
def test_viewing_is_the_only_permission_there_is(model):
    assert tuple(model._meta.default_permissions) == ("view",)


@pytest.mark.django_db
def test_the_migrations_are_complete():
    call_command("makemigrations", "django_eventsourcing", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("model", [StoredEventRecord, SnapshotRecord])
def test_a_version_is_unique_for_application_and_originator(database, model):
    record = unsaved(model)
    record.save(using=database)
    unsaved(model, application_name="CatSchool", originator_id=record.originator_id).save(
        using=database
    )

    with pytest.raises(IntegrityError):
        unsaved(model, originator_id=record.originator_id).save(using=database)


def test_a_saved_event_can_be_saved_again_in_its_place(database):
    record = unsaved(StoredEventRecord)
    record.save(using=database)

    record.metadata = {"user": 7}
    record.save(using=database, update_fields=["metadata"])

    assert StoredEventRecord.objects.using(database).get().metadata == {"user": 7}


def test_the_querysets_speak_of_applications_originators_and_positions(database):
    events = StoredEventRecord.objects.using(database)
    records = events.bulk_create(unsaved(StoredEventRecord) for _ in range(3))
    first, second, third = records

    assert list(events.log_after("DogSchool", first.id)) == [second, third]
    assert list(events.of("DogSchool").starting_at(second.id).until(second.id)) == [second]
    assert list(events.of("CatSchool")) == list(events.log_after("CatSchool", 0)) == []
    assert list(events.originator(third.originator_id).versions(gt=0, lte=1)) == [third]
    assert events.last_position() == third.id


@on("default")
@pytest.mark.parametrize("model", [StoredEventRecord, SnapshotRecord, TrackingRecord])
def test_sqlite_counts_ids_by_autoincrement(database, model):
    with connections[database].cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [model._meta.db_table])
        (statement,) = cursor.fetchone()

    assert '"id" integer NOT NULL PRIMARY KEY AUTOINCREMENT' in statement


def test_records_and_positions_have_a_name_to_be_read():
    event = unsaved(StoredEventRecord)
    tracking = TrackingRecord(
        application_name="Counters", upstream_name="DogSchool", notification_id=21
    )

    assert str(event) == f"DogSchool {event.originator_id} version 1"
    assert str(tracking) == "Counters at 21 of DogSchool"
