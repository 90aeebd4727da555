"""The database's clock: the time of statements, as Django stores times."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.models import FollowerRecord


def near(time):
    return abs(timezone.now() - time) < timedelta(seconds=2)


def stored(database, expression):
    follower = FollowerRecord.objects.using(database).create(
        application_name="Counters", lease_expires_at=expression
    )
    return FollowerRecord.objects.using(database).get(pk=follower.pk).lease_expires_at


def test_it_is_the_present_as_it_is_read(database):
    FollowerRecord.objects.using(database).create(application_name="Counters")
    (now,) = FollowerRecord.objects.using(database).values_list(DatabaseNow(), flat=True)

    assert now.tzinfo is UTC
    assert near(now)


def test_it_is_the_present_as_it_is_stored(database):
    assert near(stored(database, DatabaseNow()))


def test_durations_are_added_and_taken_away(database):
    assert near(stored(database, DatabaseNow() + timedelta(seconds=90)) - timedelta(seconds=90))


def test_it_is_compared_with_what_is_stored(database):
    stored(database, DatabaseNow() + timedelta(seconds=5))
    followers = FollowerRecord.objects.using(database)

    assert not followers.filter(lease_expires_at__lte=DatabaseNow())
    assert followers.filter(lease_expires_at__lte=DatabaseNow() + timedelta(seconds=6))
    assert followers.filter(lease_expires_at=F("lease_expires_at")).update(
        lease_expires_at=DatabaseNow() - timedelta(seconds=1)
    )
    assert followers.filter(lease_expires_at__lte=DatabaseNow())


def test_parts_of_a_second_are_kept(database):
    found = set()
    for _ in range(5):
        found.add(stored(database, DatabaseNow()).microsecond)
        FollowerRecord.objects.using(database).all().delete()

    assert found != {0}


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York"])
def test_it_is_local_time_where_django_stores_local_time(settings, database, zone):
    settings.USE_TZ = False
    settings.TIME_ZONE = zone

    time = stored(database, DatabaseNow())

    assert time.tzinfo is None
    assert abs(datetime.now() - time) < timedelta(seconds=2)  # noqa: DTZ005 - as Django has it


def test_the_hosts_clock_has_no_part_in_it(database, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 0.0)
    monkeypatch.setattr(timezone, "now", lambda: datetime(1999, 1, 1, tzinfo=UTC))

    assert stored(database, DatabaseNow()).year > 2020
