"""Rows as workers leave them; all times are by the clock of the database."""

from datetime import timedelta

from django_eventsourcing import get_application
from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.models import (
    DeadLetterRecord,
    FollowerRecord,
    FollowerStatistic,
    StoredEventRecord,
    TrackingRecord,
    WorkerRecord,
)
from tests.core.school import DogSchool


def add_tricks(*tricks):
    """Record the events of a dog: one more than there are tricks."""
    school = get_application(DogSchool)
    dog_id = school.register_dog("Fido")
    for trick in tricks:
        school.add_trick(dog_id, trick)
    return dog_id


def ago(seconds):
    return DatabaseNow() - timedelta(seconds=seconds)


def worker_in(database, *, name="w1", heartbeat=1.0, pid=12):
    """Add a worker that was last heard of so many seconds ago."""
    worker = WorkerRecord.objects.using(database).create(
        system_alias="default",
        name=name,
        host="kennel",
        pid=pid,
        version="0.1.0",
        started_at=ago(60),
        heartbeat_at=ago(heartbeat),
    )
    return worker.id


def held(database, follower="Counters", *, expires_in=10.0, worker=None, **values):
    """Let a worker hold the follower; its lease expires in so many seconds."""
    FollowerRecord.objects.using(database).update_or_create(
        application_name=follower,
        defaults={
            "lease_owner": worker or worker_in(database),
            "lease_expires_at": ago(-expires_in),
            "state": "running",
            "updated_at": ago(0),
            **values,
        },
    )


def told(database, follower="Counters", **values):
    """Note something of the follower, which no worker holds."""
    FollowerRecord.objects.using(database).update_or_create(
        application_name=follower, defaults=values
    )


def at(database, position, follower="Counters", upstream="DogSchool", *, moved=0.0):
    """Put the follower at a position that it has reached so many seconds ago."""
    TrackingRecord.objects.using(database).update_or_create(
        application_name=follower,
        upstream_name=upstream,
        defaults={"notification_id": position, "updated_at": ago(moved)},
    )


def aged(database, seconds):
    """Make all events older."""
    StoredEventRecord.objects.using(database).update(recorded_at=ago(seconds))


def ids_of(database, application="DogSchool"):
    events = StoredEventRecord.objects.using(database).filter(application_name=application)
    return list(events.order_by("id").values_list("id", flat=True))


def parked(database, notification_id, follower="Counters", **values):
    """Set a notification of the dog school aside."""
    DeadLetterRecord.objects.using(database).create(
        application_name=follower,
        upstream_name="DogSchool",
        notification_id=notification_id,
        originator_id="4a81",
        originator_version=1,
        topic="tests:Dog",
        **values,
    )


def processed(database, number, follower="Counters", *, seconds=60.0, passed=None, minutes_ago=0):
    """Put on record what was processed, in how many seconds, in this minute or an earlier one."""
    row = FollowerStatistic.objects.using(database).create(
        application_name=follower,
        minute=ago(60 * minutes_ago),
        processed=number,
        passed=number if passed is None else passed,
        seconds=seconds,
    )
    row.refresh_from_db()
    row.minute = row.minute.replace(second=0, microsecond=0)
    row.save(using=database)
