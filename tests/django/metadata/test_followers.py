"""Followers: what they record says what it follows from, and their policies see that too."""

import pytest
from django.db import connections

from django_eventsourcing import current_metadata, event_metadata, get_application, processed_event
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.recorders import DjangoApplicationRecorder
from eventsourcing.conformance import stored_event
from eventsourcing.persistence import Notification
from tests.core.school import Counters, DogSchool
from tests.databases import on
from tests.django.commands.processes import manage
from tests.django.metadata.rows import ids_of, metadata_of
from tests.django.schools import Obedient, teach

pytestmark = pytest.mark.long_elsewhere("postgres")


def follow(cls=Counters):
    school, follower = get_application(DogSchool), get_application(cls)
    follower.follow("DogSchool", school.notification_log, school.mapper)
    return school, follower


def test_correlation_is_carried_on_through_two_followers_in_another_process(configured, database):
    setting = configured()
    with event_metadata(correlation_id="request 7", user="ann", order="4711"):
        teach(get_application(DogSchool), ["sit"])

    code, output = manage("run_system", "--once", eventsourcing=setting)

    assert code == 0, output
    _, taught = ids_of(database)
    counted = ids_of(database, "Counters")
    assert metadata_of(database, "Counters") == [
        {"correlation_id": "request 7", "causation_id": f"DogSchool:{taught}"}
    ] * len(counted)
    tallied = metadata_of(database, "Tally")
    assert tallied == [
        {"correlation_id": "request 7", "causation_id": f"Counters:{counted[-1]}"}
    ] * len(tallied)
    assert len(tallied) == 2


def test_without_a_correlation_the_first_event_is_it(configured, database):
    configured()
    school, counters = follow()
    teach(school, ["sit"])

    counters.pull_and_process("DogSchool")

    reference = f"DogSchool:{ids_of(database)[-1]}"
    assert (
        metadata_of(database, "Counters")
        == [{"correlation_id": reference, "causation_id": reference}] * 2
    )


def test_what_is_given_around_a_follower_does_not_count(configured, database):
    configured()
    school, counters = follow()
    teach(school, ["sit"])

    with event_metadata(user="ann", correlation_id="another"):
        counters.pull_and_process("DogSchool")
        after = current_metadata()

    reference = f"DogSchool:{ids_of(database)[-1]}"
    for metadata in metadata_of(database, "Counters"):
        assert metadata == {"correlation_id": reference, "causation_id": reference}
    assert after == {"user": "ann", "correlation_id": "another"}


def test_a_policy_sees_the_event_that_it_processes_and_may_add_to_what_is_recorded(
    configured, database, monkeypatch
):
    configured("obedient_system")
    school, obedient = follow(Obedient)
    with event_metadata(user="ann"):
        teach(school, ["sit"])
    seen = []
    process_event = Obedient.process_event

    def noted(follower, domain_event, tracking):
        seen.append(processed_event())
        with event_metadata(note="by the way", user="robot"):
            assert processed_event() == seen[-1]
            process_event(follower, domain_event, tracking)

    monkeypatch.setattr(Obedient, "process_event", noted)

    obedient.pull_and_process("DogSchool")

    records = StoredEventRecord.objects.using(database).of("DogSchool").order_by("id")
    assert [(e.application_name, e.notification_id, e.metadata, e.recorded_at) for e in seen] == [
        ("DogSchool", r.id, r.metadata, r.recorded_at) for r in records
    ]
    assert seen[1].metadata == {"user": "ann"}
    assert processed_event() is None
    assert metadata_of(database, "Obedient")[-1] == {
        "correlation_id": seen[1].reference,
        "causation_id": seen[1].reference,
        "note": "by the way",
        "user": "robot",
    }


@pytest.mark.parametrize("stored", [[], "text", None])
def test_metadata_that_somebody_else_has_written_as_something_else_counts_as_none(
    configured, database, stored
):
    configured()
    school, counters = follow()
    teach(school, ["sit"])
    last = ids_of(database)[-1]
    if stored is None:
        stored = {"correlation_id": None}
    StoredEventRecord.objects.using(database).filter(id=last).update(metadata=stored)

    counters.pull_and_process("DogSchool")

    assert metadata_of(database, "Counters")[0]["correlation_id"] == f"DogSchool:{last}"


def test_a_notification_equals_the_plain_one_of_the_same_event(configured, database):
    configured()
    teach(get_application(DogSchool), ["sit"])

    first, second = DjangoApplicationRecorder("DogSchool", alias=database).select_notifications(
        None, 10
    )

    plain = Notification(
        first.originator_id, first.originator_version, first.topic, first.state, first.id
    )
    assert first == plain
    assert plain == first
    assert hash(first) == hash(plain)
    assert first != second
    assert first != "Fido"


@pytest.mark.parametrize("uses_zones", [True, False])
def test_a_notification_says_the_time_as_the_record_does(
    application_recorder, database, settings, uses_zones
):
    settings.USE_TZ = uses_zones
    settings.TIME_ZONE = "Asia/Tokyo"
    application_recorder.insert_events([stored_event()])

    (notification,) = application_recorder.select_notifications(None, 1)

    record = StoredEventRecord.objects.using(database).get()
    assert notification.recorded_at == record.recorded_at
    assert (notification.recorded_at.tzinfo is not None) is uses_zones


@on("postgres")
def test_the_time_is_read_whatever_the_style_of_the_session(application_recorder, database):
    application_recorder.insert_events([stored_event()])
    record = StoredEventRecord.objects.using(database).get()

    with connections[database].cursor() as cursor:
        cursor.execute("SET datestyle TO 'SQL, DMY'")
        try:
            (notification,) = application_recorder.select_notifications(None, 1)
        finally:
            cursor.execute("SET datestyle TO DEFAULT")

    assert notification.recorded_at == record.recorded_at


def test_in_memory_followers_process_as_ever(settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }
    school, counters = follow()

    with event_metadata(user="ann"):
        teach(school, ["sit"])
    counters.pull_and_process("DogSchool")

    assert counters.get_count("sit") == 1
