"""``manage.py es_status``: a table, the verdicts in words, and the codes that it exits with."""

import json
import re
import signal

import pytest

from tests.databases import on
from tests.django.commands.calls import call, data_of
from tests.django.commands.processes import Manage, manage
from tests.django.status.rows import (
    add_tricks,
    at,
    held,
    ids_of,
    parked,
    processed,
    told,
    worker_in,
)
from tests.waiting import wait_until


def caught_up(database):
    """Let a worker hold both followers, and have processed all."""
    worker = worker_in(database)
    for follower in ("Counters", "Tally"):
        held(database, follower, worker=worker)
    at(database, ids_of(database)[-1])


def test_all_is_well(configured, database):
    configured()
    add_tricks("sit")
    caught_up(database)
    head = ids_of(database)[-1]

    code, text = call("es_status")

    assert code == 0
    lines = text.splitlines()
    assert lines[0] == "System 'default'"
    rows = [re.split(r"  +", line.strip()) for line in lines[2:5]]
    assert rows == [
        [
            *["follower", "upstream", "position", "head", "behind", "oldest", "rate", "ETA"],
            *["verdict", "worker"],
        ],
        [
            *["Counters", "DogSchool", f"{head:,}", f"{head:,}", "0", "-", "-", "-"],
            *["caught up", "w1 (kennel, process 12)"],
        ],
        [
            *["Tally", "Counters", "-", "-", "0", "-", "-", "-"],
            *["caught up", "w1 (kennel, process 12)"],
        ],
    ]
    assert lines[6:8] == ["Counters is caught up", "Tally is caught up"]
    assert re.split(r"  +", lines[9]) == ["worker", "version", "wakes by", "last heard of"]
    assert re.fullmatch(r"w1 \(kennel, process 12\)  0\.1\.0 +polling +\d s ago", lines[10])


def test_lagging_is_well_unless_it_is_beyond_the_limit(configured, database):
    configured()
    caught_up_at_first(database)

    assert call("es_status", "--max-lag=2")[0] == 0
    code, text = call("es_status", "--max-lag=1")
    assert code == 1
    assert "Counters is 2 behind and catching up; more than 1 are pending\n" in text


def test_how_fast_it_goes_is_told_and_how_long_it_takes_yet(configured, database):
    configured()
    caught_up_at_first(database)
    processed(database, 620, seconds=2.0, passed=2)

    code, text = call("es_status")

    assert code == 0
    row = re.split(r"  +", text.splitlines()[3].strip())
    assert row[4:9] == ["2", row[5], "310/s", "2 s", "lagging"]
    assert "Counters is 2 behind, catching up, about 2 s\n" in text


def caught_up_at_first(database):
    add_tricks("sit")
    caught_up(database)
    add_tricks("stay")


def test_a_stuck_follower_ends_it_with_1_and_is_told_in_words(configured):
    configured()
    add_tricks("sit", "stay")

    code, text = call("es_status")

    assert code == 1
    assert "Counters is stuck: 3 events are pending and no worker holds it\n" in text


def test_the_data_has_all_that_is_known(configured, database):
    configured()
    add_tricks("sit")
    caught_up(database)
    head = ids_of(database)[-1]
    told(database, desired_state="paused", desired_reason="prices, Ann")
    parked(database, head)

    code, data = data_of("es_status", "default")

    assert code == 1
    [system] = data["systems"]
    assert list(system) == ["alias", "followers", "workers", "holders", "errors", "notices"]
    [worker] = system["workers"]
    age = worker.pop("heartbeat_seconds")
    assert 0 <= age < 60
    started_at = worker.pop("started_at")
    assert started_at.endswith("Z")
    worker_id = worker.pop("id")
    assert worker == {
        "name": "w1",
        "host": "kennel",
        "pid": 12,
        "version": "0.1.0",
        "wake_up": "polling",
        "is_alive": True,
        "followers": [],
    }
    counters, tally = system["followers"]
    moved = counters["pipes"][0].pop("moved_seconds")
    assert 0 <= moved < 60
    assert counters == {
        "name": "Counters",
        "verdict": "paused",
        "severity": "warning",
        "words": "Counters is paused: prices, Ann; 1 notification is set aside",
        "database": database,
        "desired_state": "paused",
        "reason": "prices, Ann",
        "state": "running",
        "is_held": True,
        "worker": worker_id,
        "behind": 0,
        "is_more": False,
        "behind_seconds": None,
        "rate": None,
        "eta_seconds": None,
        "rates": [0.0] * 60,
        "parked": 1,
        "is_more_parked": False,
        "failed_upstream": "",
        "failed_notification": None,
        "attempts": 0,
        "error": "",
        "pipes": [
            {
                "upstream": "DogSchool",
                "position": head,
                "head": head,
                "behind": 0,
                "is_more": False,
                "behind_seconds": None,
                "is_synchronous": False,
                "segments_in_force": 0,
                "error": "",
            }
        ],
    }
    assert tally["verdict"] == "caught up"


def test_an_unknown_system_is_told_with_the_nearest(configured):
    configured()

    assert call("es_status", "defualt") == (
        2,
        "There is no system 'defualt' in EVENTSOURCING.  HINT: Did you mean 'default'?",
    )


def test_a_fault_in_the_settings_is_told_in_one_line(settings):
    settings.EVENTSOURCING = {"default": {"SYTEM": "tests.django.schools.system"}}

    assert call("es_status") == (
        1,
        (
            "EVENTSOURCING['default'] has the unknown key 'SYTEM'.  HINT: Did you mean 'SYSTEM'? "
            "(django_eventsourcing.E001)"
        ),
    )


def test_without_a_system_there_is_nothing_to_show(settings):
    settings.EVENTSOURCING = {}

    assert call("es_status") == (
        1,
        (
            "The settings have no system in EVENTSOURCING.  HINT: Add one: see the reference of "
            "settings."
        ),
    )


def test_a_system_without_followers_says_so(settings, db):
    settings.EVENTSOURCING = {"default": {"PIPES": [["tests.core.school.DogSchool"]]}}

    assert call("es_status") == (0, "System 'default' has no followers.\n\n")


@on("default")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_watches_until_a_signal(configured, number):
    setting = configured()

    with Manage("es_status", "--watch=0.1", "--json", eventsourcing=setting) as watch:
        wait_until(lambda: watch.output.count("\n") >= 3, "three looks", 60)
        watch.send(number)

        assert watch.wait() == 0
        looks = [json.loads(line) for line in watch.output.splitlines()]

    assert len({look["generated_at"] for look in looks}) == len(looks)


@on("default")
def test_a_database_that_does_not_answer_is_told_in_words(configured, database):
    server = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": "1"}
    away = {**server, "NAME": "school", "USER": "fido", "PASSWORD": "s3cret"}
    setting = configured()
    setting["default"]["DATABASE"] = "other"

    code, text = manage("es_status", eventsourcing=setting, databases={"other": away})

    assert code == 1
    assert "Traceback" not in text
    assert "s3cret" not in text
    assert re.search(
        r"^Counters cannot be looked at: Database 'other': .*Connection refused.*$",
        text,
        re.MULTILINE,
    )


@on("default")
def test_the_log_of_an_upstream_that_does_not_answer_is_told_in_words(configured, database):
    away = {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/at/all.sqlite3"}
    options = {"OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20}}
    setting = configured()
    setting["default"]["APPLICATIONS"] = {"DogSchool": {"DATABASE": "other"}}
    caught_up_at = {"other": {**away, **options}}

    code, text = manage("es_health", eventsourcing=setting, databases=caught_up_at)

    assert code == 1
    assert text.splitlines() == [
        "CRITICAL  Counters cannot be looked at: Database 'other': unable to open database file",
        "CRITICAL  Tally is not running: no worker holds it",
    ]
