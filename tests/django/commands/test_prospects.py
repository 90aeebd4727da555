"""Prospects: what a follower waits for that is told to go on."""

import pytest

from django_eventsourcing import get_system
from django_eventsourcing.management.prospects import Prospect, prospect_of
from django_eventsourcing.models import WorkerRecord
from tests.django.status.rows import held, told, worker_in


@pytest.fixture
def prospect(configured):
    configured()
    return lambda: prospect_of(get_system(), "Counters")


def test_without_a_worker_it_waits_for_one(prospect):
    assert prospect() == Prospect(
        waits_for="worker",
        words=" when 'manage.py run_system' runs it: no worker does now",
    )


def test_the_command_names_the_system(settings, database):
    settings.EVENTSOURCING = {
        "kennel": {"SYSTEM": "tests.django.schools.long_system", "DATABASE": database}
    }

    words = prospect_of(get_system("kennel"), "Counters").words

    assert words == " when 'manage.py run_system kennel' runs it: no worker does now"


def test_one_that_a_worker_holds_waits_for_nothing(prospect, database):
    held(database)

    assert prospect() == Prospect()


@pytest.mark.parametrize(
    ("followers", "heartbeat", "waits_for"),
    [
        (["Counters"], 1.0, None),
        (["Counters"], 60.0, "worker"),
        (["Tally"], 1.0, "worker"),
    ],
)
def test_one_that_a_live_worker_may_take_waits_for_nothing(
    prospect, database, followers, heartbeat, waits_for
):
    pk = worker_in(database, heartbeat=heartbeat)
    WorkerRecord.objects.using(database).filter(pk=pk).update(followers=followers)

    assert prospect().waits_for == waits_for


def test_a_lease_that_has_ended_holds_nothing(prospect, database):
    held(database, expires_in=-1.0)

    assert prospect().waits_for == "worker"


def test_one_that_is_paused_waits_to_be_resumed(prospect, database):
    held(database)
    told(database, desired_state="paused")

    assert prospect() == Prospect(
        waits_for="resume",
        words=" when it is resumed by 'manage.py es_resume Counters': it is paused now",
    )
