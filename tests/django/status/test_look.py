"""The look at a system: what is there, in few queries, and nothing raised when it is not."""

import re

import pytest
from django.db import OperationalError, connections, transaction
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.databases import without_password
from django_eventsourcing.models import FollowerRecord, StoredEventRecord
from django_eventsourcing.recorders.errors import translated
from django_eventsourcing.status import Verdict, system_status
from tests.databases import on
from tests.django.schools import FOLLOWERS
from tests.django.status.rows import (
    add_tricks,
    aged,
    ago,
    at,
    held,
    ids_of,
    parked,
    processed,
    told,
    worker_in,
)

pytestmark = pytest.mark.long_elsewhere("postgres")


def status_of(follower="Counters"):
    return next(each for each in system_status().followers if each.name == follower)


def test_a_follower_that_is_held_and_has_processed_all_is_caught_up(configured, database):
    configured()
    add_tricks("sit")
    held(database)
    at(database, ids_of(database)[-1], moved=3600)

    counters = status_of()

    assert (counters.verdict, counters.words) == (Verdict.CAUGHT_UP, "Counters is caught up")
    [pipe] = counters.pipes
    assert (pipe.upstream, pipe.position, pipe.head) == ("DogSchool", *2 * ids_of(database)[-1:])
    assert (pipe.behind, pipe.is_more, pipe.behind_seconds) == (0, False, None)
    assert 3590 < pipe.moved_seconds < 3660
    assert str(counters.worker) == "w1 (kennel, process 12)"


def test_what_is_pending_is_counted_up_to_a_limit(configured, database):
    configured()
    add_tricks("sit", "sit", "sit", "sit")
    held(database)
    at(database, ids_of(database)[0])

    [pipe] = system_status(count_limit=3).followers[0].pipes
    assert (pipe.behind, pipe.is_more) == (3, True)
    [pipe] = system_status(count_limit=4).followers[0].pipes
    assert (pipe.behind, pipe.is_more) == (4, False)


def test_events_of_others_in_the_table_are_not_pending(configured, database):
    configured()
    add_tricks("sit")
    held(database)
    at(database, ids_of(database)[-1])
    StoredEventRecord.objects.using(database).update(application_name="CatSchool")

    assert status_of().behind == 0


def test_its_age_is_that_of_the_oldest_pending_event(configured, database):
    configured()
    add_tricks("sit", "stay")
    held(database, updated_at=ago(600))
    at(database, ids_of(database)[0], moved=500)
    aged(database, 100)

    counters = status_of()

    assert 99 < counters.behind_seconds < 130
    assert counters.verdict is Verdict.STUCK
    assert "has not moved for 2 min" in counters.words


def test_in_motion_it_is_lagging_however_old_the_events(configured, database):
    configured()
    add_tricks("sit", "stay")
    held(database)
    at(database, ids_of(database)[0], moved=1)
    aged(database, 10_000)

    assert status_of().words == "Counters is 2 behind and catching up"


def test_a_follower_that_no_worker_has_run_is_stuck_or_not_running(configured, database):
    configured()

    assert status_of().words == "Counters is not running: no worker holds it"

    add_tricks("sit", "stay")
    assert status_of().words == "Counters is stuck: 3 events are pending and no worker holds it"


def test_a_lease_that_has_run_out_holds_nothing(configured, database):
    configured()
    add_tricks("sit")
    held(database, worker=worker_in(database, heartbeat=47), expires_in=-30)

    counters = status_of()

    assert counters.verdict is Verdict.STUCK
    assert counters.words.startswith(
        "Counters is stuck: 2 events are pending and its worker w1 (kennel, process 12) was last "
        "heard of 4"
    )
    assert not counters.worker.is_alive


def test_a_pause_is_told_with_its_reason(configured, database):
    configured()
    told(database, desired_state="paused", desired_reason="new\n prices")

    assert status_of().words == "Counters is paused: new prices"


def test_a_failure_is_told_with_the_notification(configured, database):
    configured()
    add_tricks("sit")
    first, second = ids_of(database)
    at(database, first)
    told(
        database,
        state="failed",
        upstream_name="DogSchool",
        notification_id=second,
        error="ValueError: dogs do\nnot sing",
        attempts=6,
    )

    assert status_of().words == (
        f"Counters has failed at notification {second} of DogSchool, tried 6 times: "
        "ValueError: dogs do not sing"
    )


def test_a_failure_that_has_been_passed_is_none(configured, database):
    configured()
    add_tricks("sit")
    last = ids_of(database)[-1]
    at(database, last)
    held(
        database,
        state="failed",
        upstream_name="DogSchool",
        notification_id=last,
        error="ValueError",
    )

    counters = status_of()

    assert (counters.verdict, counters.error) == (Verdict.CAUGHT_UP, "")


def test_notifications_set_aside_are_counted(configured, database):
    configured()
    held(database)
    parked(database, 1)
    parked(database, 2, is_behind=True)
    parked(database, 3, status="processed")
    parked(database, 4, follower="Tally")

    assert status_of().words == "Counters is caught up; 2 notifications are set aside"
    assert status_of("Tally").parked == 1


def test_workers_are_told_those_heard_of_last_first(configured, database):
    configured()
    worker_in(database, name="old", heartbeat=500)
    worker_in(database, name="new", heartbeat=1)

    workers = system_status().workers

    assert [(worker.name, worker.is_alive) for worker in workers] == [("new", True), ("old", False)]
    assert 499 < workers[1].heartbeat_seconds < 530


def test_what_is_set_aside_is_counted_up_to_a_limit(configured, database):
    configured()
    for number in range(1, 5):
        parked(database, number)

    for limit, expected in ((3, (3, True)), (4, (4, False))):
        counters = system_status(count_limit=limit).followers[0]
        assert (counters.parked, counters.is_more_parked) == expected


def test_one_that_catches_up_will_have_done_so_by_its_pace(configured, database):
    configured()
    add_tricks("sit", "stay", "roll over")
    held(database)
    at(database, ids_of(database)[0])
    processed(database, 600, seconds=60.0, passed=60)

    counters = status_of()

    assert (counters.rate, counters.eta_seconds) == (10.0, 3.0)
    assert counters.rates[-1] > 0 or counters.rates[-2] > 0
    assert counters.words == "Counters is 3 behind, catching up, about 3 s"


def test_what_is_left_is_told_by_ids_where_it_is_not_counted_to_the_end(configured, database):
    configured()
    add_tricks(*["sit"] * 9)
    held(database)
    at(database, ids_of(database)[0])
    processed(database, 60, seconds=60.0)

    counters = system_status(count_limit=2).followers[0]

    assert counters.words == "Counters is 2+ behind, catching up, about 9 s"


@pytest.mark.parametrize("seconds_ago", [1, 500])
def test_nothing_is_promised_of_one_that_does_not_go_on(configured, database, seconds_ago):
    configured()
    add_tricks("sit", "stay")
    held(database, updated_at=ago(seconds_ago))
    at(database, ids_of(database)[0], moved=seconds_ago)
    aged(database, 500)
    processed(database, 600)

    counters = status_of()

    assert counters.rate == 10.0
    assert (counters.eta_seconds is None) == (counters.verdict is Verdict.STUCK)
    assert (counters.verdict is Verdict.STUCK) == (seconds_ago == 500)


def test_of_one_that_is_caught_up_the_rate_alone_is_told(configured, database):
    configured()
    add_tricks("sit")
    held(database)
    at(database, ids_of(database)[-1])
    processed(database, 600)

    assert (status_of().rate, status_of().eta_seconds) == (10.0, None)


def test_the_number_of_queries_does_not_grow_with_the_log(configured, database):
    configured()
    held(database)
    held(database, "Tally")
    add_tricks("sit")

    few = len(queries_of(database))
    add_tricks(*["sit"] * 60)

    assert len(queries_of(database)) <= few


def test_the_number_of_queries_does_not_grow_with_followers(configured, database):
    configured("wide_system")
    for name in FOLLOWERS:
        held(database, name)
        parked(database, 1, name)
        processed(database, 60, name)
    add_tricks(*["sit"] * 60)

    asked = queries_of(database)

    assert len(asked) <= 8
    assert not [sql for sql in asked if re.search(r"COUNT\(|OFFSET|DISTINCT", sql)]
    pipes = [pipe for follower in system_status().followers for pipe in follower.pipes]
    assert [(pipe.upstream, pipe.behind) for pipe in pipes] == 12 * [
        ("DogSchool", 61),
        ("CatSchool", 0),
    ]


def queries_of(database):
    with CaptureQueriesContext(connections[database]) as queries:
        system_status()
    return [query["sql"] for query in queries]


def test_within_a_transaction_that_a_query_spoils_the_rest_is_told(configured, database):
    configured()
    table = FollowerRecord._meta.db_table
    with connections[database].schema_editor() as editor:
        editor.execute(f"ALTER TABLE {table} RENAME TO gone_for_now")
    try:
        with transaction.atomic(using=database):
            status = system_status()

            assert list(StoredEventRecord.objects.using(database)) == []
    finally:
        with connections[database].schema_editor() as editor:
            editor.execute(f"ALTER TABLE gone_for_now RENAME TO {table}")

    [error] = status.errors
    assert error.startswith(f"Database {database!r} lacks a table or a column: ")
    assert error.endswith(f"Run `manage.py migrate --database {database}`.")
    assert status.followers[0].verdict is Verdict.UNKNOWN
    assert status.followers[0].words == f"Counters cannot be looked at: {error}"


@on("default")
def test_a_password_in_the_text_of_an_error_is_not_told(database):
    connection = connections[database]
    connection.settings_dict["PASSWORD"] = "s3cret"
    try:
        text = without_password(
            database, str(translated(OperationalError("no entry for s3cret"), database))
        )
    finally:
        connection.settings_dict["PASSWORD"] = ""

    assert text == "Database 'default': no entry for ***"


def test_a_system_in_memory_is_told_as_this_process_sees_it(settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }
    add_tricks("sit")

    [counters] = system_status().followers

    assert counters.words == "Counters is 2 behind in the memory of this process"


@pytest.fixture
def writer(database):
    """Another connection, for a transaction of its own."""
    connection = connections[database].copy()
    yield connection
    connection.close()


def opened(writer):
    """Record an event, and leave the transaction open; return the server's process."""
    writer.set_autocommit(False)
    with writer.cursor() as cursor:
        # An insert takes the lock, and draws an id that nobody sees.
        cursor.execute(
            "INSERT INTO django_eventsourcing_storedeventrecord (application_name, originator_id, "
            "originator_version, topic, state, metadata, recorded_at) SELECT application_name, "
            "gen_random_uuid(), 1, topic, state, metadata, recorded_at "
            "FROM django_eventsourcing_storedeventrecord LIMIT 1"
        )
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


@on("postgres")
def test_an_open_transaction_that_has_just_begun_is_no_reason_for_an_old_standstill(
    configured, database, writer
):
    configured()
    held(database, updated_at=ago(100))
    add_tricks("sit")
    at(database, ids_of(database)[-1], moved=100)
    opened(writer)
    add_tricks("stay")
    aged(database, 30)

    assert status_of().verdict is Verdict.STUCK

    writer.rollback()


@on("postgres")
def test_an_open_transaction_that_holds_the_log_is_named(configured, database, writer):
    configured()
    held(database)
    add_tricks("sit")
    at(database, ids_of(database)[-1], moved=100)
    pid = opened(writer)
    add_tricks("stay")
    aged(database, 1.5)

    status = system_status()

    assert [holder.pid for holder in status.holders] == [pid]
    assert status.followers[0].verdict is Verdict.HELD_UP
    assert status.followers[0].words == (
        f"Counters is held up by an open transaction: the log of DogSchool is held by pid {pid} "
        "for 0 s (idle in transaction); 2 events are pending"
    )

    writer.rollback()
    assert system_status().holders == ()
