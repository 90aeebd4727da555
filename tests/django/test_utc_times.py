"""Times of leases and heartbeats: in order, and an hour long, when local clocks go back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from django_eventsourcing import registry
from django_eventsourcing.database_clock import DatabaseNow, seconds_between
from django_eventsourcing.models import FollowerRecord, WorkerRecord
from django_eventsourcing.status import system_status
from tests.databases import on
from tests.django.runners.test_leases import ONE, TWO, end_leases, table
from tests.django.status.rows import held, worker_in

BEFORE, AFTER = "Etc/GMT-2", "Etc/GMT-1"
"""Two hours ahead of UTC, and one: as in much of Europe, before and after the end of summer."""
NEW_YORK = "America/New_York"


@pytest.fixture(params=["USE_TZ off", "TIME_ZONE of the database"])
def go_to(request, settings, database):
    """Return what sets the local clock of the database to that of a zone."""
    connection = connections[database]
    if request.param == "USE_TZ off":
        settings.USE_TZ = False

        def go_to(zone):
            settings.TIME_ZONE = zone
    else:

        def go_to(zone):
            connection.settings_dict["TIME_ZONE"] = zone
            forget_zone(connection)

    yield go_to
    connection.settings_dict["TIME_ZONE"] = None
    forget_zone(connection)


def forget_zone(connection):
    for name in ("timezone", "timezone_name"):
        connection.__dict__.pop(name, None)
    connection.close()


def rows(database):
    return FollowerRecord.objects.using(database)


def lease(database):
    return rows(database).values_list("lease_expires_at", DatabaseNow()).get()


def test_a_time_is_read_as_it_was_written(go_to, database):
    go_to(NEW_YORK)
    given = timezone.now().replace(microsecond=123000)

    rows(database).create(application_name="Counters", lease_expires_at=given, updated_at=given)

    assert rows(database).get().lease_expires_at == given
    assert rows(database).filter(lease_expires_at=given, updated_at__lte=given).exists()
    assert not rows(database).filter(lease_expires_at__gt=given).exists()


def test_a_time_of_the_clock_of_the_database_is_read_as_the_present(go_to, database):
    go_to(NEW_YORK)

    rows(database).create(application_name="Counters", lease_expires_at=DatabaseNow())

    assert abs(rows(database).get().lease_expires_at - timezone.now()) < timedelta(seconds=5)
    assert rows(database).filter(lease_expires_at__lte=timezone.now() + timedelta(seconds=5))


def test_a_time_is_as_long_ago_when_local_clocks_have_gone_back(go_to, database):
    go_to(BEFORE)
    rows(database).create(
        application_name="Counters", lease_expires_at=DatabaseNow() - timedelta(seconds=30)
    )

    go_to(AFTER)

    assert rows(database).filter(lease_expires_at__lt=DatabaseNow()).exists()
    assert 29 < seconds_between(*lease(database)) < 40


def test_a_dead_workers_lease_ends_though_local_clocks_go_back(go_to, database):
    go_to(BEFORE)
    assert table(database, ONE).take("Counters")
    end_leases(database)

    go_to(AFTER)

    two = table(database, TWO)
    assert two.look()[0]["Counters"].owner is None
    assert two.take("Counters")


def test_a_lease_in_force_stays_so_when_local_clocks_go_forward(go_to, database):
    go_to(AFTER)
    assert table(database, ONE).take("Counters")

    go_to(BEFORE)

    two = table(database, TWO)
    row, standing = two.look()[0]["Counters"], two.look()[1]
    assert row.owner == ONE
    assert 5 < row.remaining <= 14
    assert standing.share_of(TWO) == 1
    assert not two.take("Counters")


def test_a_dead_worker_is_told_though_local_clocks_go_back(go_to, settings, database):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.system", "DATABASE": database}
    }
    go_to(BEFORE)
    worker = worker_in(database, heartbeat=30)
    held(database, worker=worker, expires_in=-16)

    go_to(AFTER)

    status = system_status()
    registry.reset()
    assert not status.followers[0].is_held
    assert [worker.is_alive for worker in status.workers] == [False]
    assert 29 < status.workers[0].heartbeat_seconds < 40


def test_of_an_hour_that_comes_twice_it_is_known_which_one_it_is(settings, database):
    settings.USE_TZ = False
    settings.TIME_ZONE = NEW_YORK
    followers = rows(database)
    followers.bulk_create(FollowerRecord(application_name=name) for name in ("Counters", "Tally"))
    zone = "+00" if connections[database].vendor == "postgresql" else ""
    moments = {"Counters": "2026-11-01 05:30:00", "Tally": "2026-11-01 06:30:00"}
    with connections[database].cursor() as cursor:
        for name, moment in moments.items():
            cursor.execute(
                "UPDATE django_eventsourcing_followerrecord SET lease_expires_at = %s "
                "WHERE application_name = %s",
                [f"{moment}{zone}", name],
            )

    first, second = followers.order_by("application_name").values_list(
        "lease_expires_at", flat=True
    )

    assert (first, second) == (second, first)
    assert seconds_between(first, second) == 3600


@on("default")
def test_no_migration_is_needed(database):
    call_command("makemigrations", "--check", "--dry-run", "django_eventsourcing", verbosity=0)

    (field,) = [f for f in WorkerRecord._meta.fields if f.name == "heartbeat_at"]
    assert field.deconstruct()[1] == "django.db.models.DateTimeField"


def test_an_hour_that_comes_twice_is_two_hours_long(settings):
    settings.USE_TZ = False
    settings.TIME_ZONE = NEW_YORK
    first = datetime(2026, 11, 1, 1, 30)  # noqa: DTZ001 - local time, as Django has it
    second = first.replace(fold=1)

    assert seconds_between(first, second) == 3600
    assert seconds_between(second, second.replace(minute=31)) == 60
    assert seconds_between(second, first) == -3600


def test_times_with_zones_are_told_apart_by_their_moments():
    at = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    zone = ZoneInfo(NEW_YORK)

    assert seconds_between(at.astimezone(zone), (at + timedelta(hours=1)).astimezone(zone)) == 3600
