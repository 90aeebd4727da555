"""``manage.py es_pause`` and ``es_resume``: what operators want is kept where workers look."""

import logging

import pytest

from django_eventsourcing.management.envelope import to_plain
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.signals import follower_paused, follower_resumed
from django_eventsourcing.times import utc_text
from tests.core.school import Counters
from tests.django.commands.calls import call, data_of
from tests.django.status.rows import held

pytestmark = pytest.mark.long_elsewhere("default")


def record(database, follower="Counters"):
    return FollowerRecord.objects.using(database).get(application_name=follower)


def test_a_follower_that_no_worker_has_run_is_paused(configured, database):
    configured()

    assert call("es_pause", "Counters", "--reason=prices, Ann") == (
        0,
        "Counters is paused: prices, Ann\n",
    )
    assert (record(database).desired_state, record(database).desired_reason) == (
        "paused",
        "prices, Ann",
    )


def test_pausing_leaves_the_lease_alone(configured, database):
    configured()
    held(database)
    before = record(database)

    call("es_pause", "Counters", "Tally", "--reason=prices")

    after = record(database)
    assert (after.lease_owner, after.lease_expires_at) == (
        before.lease_owner,
        before.lease_expires_at,
    )
    assert record(database, "Tally").desired_state == "paused"


def test_resuming_lets_it_go_on_and_asks_for_another_try(configured, database):
    configured()
    call("es_pause", "Counters", "--reason=prices")

    assert call("es_resume", "Counters")[0] == 0
    resumed = record(database)
    assert (resumed.desired_state, resumed.desired_reason) == ("running", "")
    assert resumed.retry_requested_at is not None

    call("es_resume", "Counters")
    assert record(database).retry_requested_at > resumed.retry_requested_at


def test_what_a_worker_runs_goes_on_and_the_rest_waits_for_one(configured, database):
    configured()
    held(database, "Counters")

    assert call("es_resume", "Counters", "Tally") == (
        0,
        (
            "Counters goes on\n"
            "Tally is resumed, and goes on when 'manage.py run_system' runs it: no worker does now\n"
        ),
    )
    assert data_of("es_resume", "Counters", "Tally") == (
        0,
        {"resumed": ["Counters", "Tally"], "waiting": ["Tally"]},
    )


def test_a_second_pause_without_a_reason_keeps_the_first(configured, database):
    configured()
    call("es_pause", "Counters", "--reason=prices, Ann")
    since = utc_text(record(database).updated_at)

    assert call("es_pause", "Counters") == (
        0,
        f"Counters is paused already, since {since} UTC or before: prices, Ann\n",
    )
    assert record(database).desired_reason == "prices, Ann"


def test_a_second_pause_may_give_another_reason(configured, database):
    configured()
    call("es_pause", "Counters", "--reason=prices, Ann")
    since = utc_text(record(database).updated_at)

    assert call("es_pause", "Counters", "Tally", "--reason=holidays, Bob") == (
        0,
        (
            f"Counters is paused already, since {since} UTC or before: prices, Ann; "
            "from now on: holidays, Bob\n"
            "Tally is paused: holidays, Bob\n"
        ),
    )
    assert record(database).desired_reason == "holidays, Bob"


def test_the_data_names_the_followers(configured, database):
    configured()

    assert data_of("es_pause", "Tally", "Tally", "--reason=prices") == (
        0,
        {"paused": ["Tally"], "reason": "prices", "already": []},
    )
    assert data_of("es_pause", "Tally") == (
        0,
        {
            "paused": ["Tally"],
            "reason": None,
            "already": [
                {
                    "follower": "Tally",
                    "changed_at": to_plain(record(database, "Tally").updated_at),
                    "reason": "prices",
                }
            ],
        },
    )
    assert data_of("es_resume", "Tally") == (0, {"resumed": ["Tally"], "waiting": ["Tally"]})


@pytest.mark.parametrize("command", [("es_pause", "--reason=x"), ("es_resume",)])
def test_an_unknown_follower_changes_nothing(configured, database, command):
    configured()
    name, *options = command

    assert call(name, "Counters", "Tallly", *options) == (
        2,
        "No configured system has a follower 'Tallly'.  HINT: Did you mean 'Tally'?",
    )
    assert not FollowerRecord.objects.using(database).exists()


def test_a_leader_is_no_follower(configured):
    configured()

    assert call("es_resume", "DogSchool") == (
        2,
        ("No configured system has a follower 'DogSchool'.  HINT: Followers: Counters, Tally."),
    )


def test_a_follower_in_memory_cannot_be_told(settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }

    assert call("es_resume", "Counters") == (
        2,
        (
            "Counters is kept in the memory of each process.  HINT: Only followers that are kept in "
            "a database can be told from outside."
        ),
    )


def test_a_reason_is_asked_for_and_nothing_is_changed_without_one(configured, database):
    configured()
    call("es_pause", "Counters", "--reason=prices")

    assert call("es_pause", "Counters", "Tally") == (
        2,
        (
            "To pause Tally, a reason is needed.  HINT: Say why, and by whom, by --reason: it is "
            "shown to everybody who looks."
        ),
    )
    assert not FollowerRecord.objects.using(database).filter(application_name="Tally").exists()


def test_receivers_and_the_log_are_told(configured, caplog):
    configured()
    heard = []

    def hear(sender, signal, **kwargs):
        heard.append((sender, kwargs))

    follower_paused.connect(hear)
    follower_resumed.connect(hear)
    try:
        with caplog.at_level(logging.INFO, "django_eventsourcing"):
            call("es_pause", "Counters", "--reason=prices")
            call("es_resume", "Counters")
    finally:
        follower_paused.disconnect(hear)
        follower_resumed.disconnect(hear)

    assert heard == [
        (Counters, {"follower": "Counters", "reason": "prices"}),
        (Counters, {"follower": "Counters"}),
    ]
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("WARNING", "Counters is paused: prices"),
        ("INFO", "Counters goes on"),
    ]
