"""Leases in a database: each is one worker's, by the database's clock."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.models import FollowerRecord, WorkerRecord
from django_eventsourcing.runners import State
from django_eventsourcing.runners.failures import Failure
from django_eventsourcing.runners.leases import LeaseTable, LeaseTiming, WorkerIdentity

ONE, TWO = UUID(int=1), UUID(int=2)
NAMES = ["Counters", "Tally"]


def table(database, worker=ONE, *, names=NAMES, **kwargs):
    identity = WorkerIdentity(
        id=worker,
        system_alias="default",
        name="one",
        host="here",
        pid=os.getpid(),
        pid_space="here",
        version="1.0",
    )
    leases = LeaseTable(database, names, identity, timing=LeaseTiming(), **kwargs)
    leases.prepare()
    leases.beat("polling")
    return leases


def record(database, name="Counters"):
    return FollowerRecord.objects.using(database).get(application_name=name)


def end_leases(database):
    FollowerRecord.objects.using(database).update(lease_expires_at=DatabaseNow())


def lasts(database, name="Counters"):
    """Return for how many seconds the lease lasts, by the database's clock."""
    follower, now = (
        FollowerRecord.objects.using(database)
        .filter(application_name=name)
        .values_list("lease_expires_at", DatabaseNow())[0]
    )
    return (follower - now).total_seconds()


def test_workers_look_twice_a_second_and_others_wait_15_seconds_at_most():
    timing = LeaseTiming()

    assert (timing.look, timing.heartbeat, timing.duration) == (0.5, 5.0, 14.0)
    assert timing.duration + timing.look <= 15.0


def test_a_lease_that_is_nobodys_is_taken_by_one(database):
    one, two = table(database), table(database, TWO)

    assert one.take("Counters")
    assert not two.take("Counters")
    assert not one.take("Counters")
    assert (record(database).lease_owner, record(database).lease_epoch) == (ONE, 1)
    assert 13 < lasts(database) <= 14


def test_of_many_that_try_at_once_one_takes_it(database):
    table(database)

    def try_to_take(number):
        try:
            return table(database, UUID(int=number)).take("Counters")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(try_to_take, range(1, 17)))

    assert sum(taken) == 1
    assert record(database).lease_epoch == 1


def test_a_lease_that_has_ended_can_be_taken_over(database):
    one, two = table(database), table(database, TWO)
    one.take("Counters")

    end_leases(database)

    assert two.take("Counters")
    assert (record(database).lease_owner, record(database).lease_epoch) == (TWO, 2)


def test_a_heartbeat_prolongs_the_workers_own_leases_alone(database):
    one, two = table(database), table(database, TWO)
    one.take("Counters")
    two.take("Tally")
    end_leases(database)

    one.beat("polling")

    assert lasts(database, "Counters") > 13
    assert lasts(database, "Tally") <= 0
    assert record(database, "Counters").lease_epoch == 1


def test_a_lease_that_was_taken_over_is_not_prolonged(database):
    one, two = table(database), table(database, TWO)
    one.take("Counters")
    end_leases(database)
    two.take("Counters")
    end_leases(database)

    one.beat("polling")

    assert lasts(database) <= 0
    assert record(database).lease_owner == TWO


def test_what_is_given_back_can_be_taken_at_once(database):
    one, two = table(database), table(database, TWO)
    one.take("Counters")
    one.take("Tally")

    one.give_back(["Counters"])

    assert two.take("Counters")
    assert not two.take("Tally")


def test_a_worker_that_leaves_gives_all_back_and_its_row_is_gone(database):
    one, two = table(database), table(database, TWO)
    one.take("Counters")

    one.leave()

    assert two.take("Counters")
    assert [worker.id for worker in WorkerRecord.objects.using(database).all()] == [TWO]


def test_a_worker_says_who_it_is_and_that_it_lives(database):
    one = table(database)
    before = WorkerRecord.objects.using(database).get()
    time.sleep(0.002)  # SQLite's clock tells milliseconds.

    one.beat("listening")

    worker = WorkerRecord.objects.using(database).get()
    assert (worker.name, worker.host, worker.version) == ("one", "here", "1.0")
    assert (worker.pid, worker.pid_space) == (os.getpid(), "here")
    assert (worker.system_alias, worker.followers) == ("default", NAMES)
    assert (before.wake_up, worker.wake_up) == ("polling", "listening")
    assert worker.started_at == before.started_at
    assert worker.heartbeat_at > before.heartbeat_at


def test_all_see_who_holds_what(database):
    one, two = table(database), table(database, TWO, names=["Tally"])
    one.take("Counters")

    rows, standing = two.look()

    assert standing.owners == {"Counters": ONE, "Tally": None}
    assert standing.workers == {ONE: NAMES, TWO: ["Tally"]}
    assert list(rows) == ["Tally"]


def test_a_lease_that_has_ended_is_seen_as_nobodys(database):
    one = table(database)
    one.take("Counters")
    rows, _ = one.look()
    assert rows["Counters"].owner == ONE
    assert 13 < rows["Counters"].remaining <= 14

    end_leases(database)

    rows, standing = one.look()
    assert rows["Counters"].owner is None
    assert standing.owners["Counters"] is None


def test_a_worker_that_is_heard_of_no_longer_has_no_share(database):
    one = table(database)
    table(database, TWO)
    workers = WorkerRecord.objects.using(database)

    workers.filter(pk=TWO).update(heartbeat_at=DatabaseNow() - timedelta(seconds=14))

    assert list(one.look()[1].workers) == [ONE]


def test_workers_of_another_system_have_no_share(database):
    one = table(database)
    table(database, TWO)
    WorkerRecord.objects.using(database).filter(pk=TWO).update(system_alias="other")

    assert list(one.look()[1].workers) == [ONE]


def test_a_worker_may_leave_all_shares_to_others(database):
    one = table(database, takes_share=False)

    assert one.look()[1].share_of(ONE) == 0


def test_workers_that_died_long_ago_are_forgotten(database):
    one = table(database)
    table(database, TWO)
    WorkerRecord.objects.using(database).filter(pk=TWO).update(
        heartbeat_at=DatabaseNow() - timedelta(seconds=3601)
    )

    one.forget_the_dead()

    assert WorkerRecord.objects.using(database).get().id == ONE


@pytest.fixture
def dead_pid():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def kill(database, worker, pid, space):
    WorkerRecord.objects.using(database).filter(pk=worker).update(pid=pid, pid_space=space)


def test_what_a_process_held_that_is_known_to_be_dead_can_be_taken_at_once(database, dead_pid):
    one, two = table(database), table(database, TWO)
    one.take("Counters")
    kill(database, ONE, dead_pid, "here")

    two.bury_the_dead()

    assert two.take("Counters")
    assert [worker.id for worker in WorkerRecord.objects.using(database).all()] == [TWO]


def test_a_process_of_another_machine_or_container_is_not_known_to_be_dead(database, dead_pid):
    one, two = table(database), table(database, TWO)
    one.take("Counters")
    kill(database, ONE, dead_pid, "there")

    two.bury_the_dead()

    assert not two.take("Counters")


def test_a_process_that_is_alive_is_not_buried(database):
    one, two = table(database), table(database, TWO)
    one.take("Counters")
    kill(database, ONE, os.getpid(), "here")

    two.bury_the_dead()

    assert not two.take("Counters")


def test_rows_that_are_there_are_left_as_they_are(database):
    one = table(database)
    one.take("Counters")

    one.prepare()

    assert record(database).lease_owner == ONE


FAILURE = Failure(
    upstream_name="DogSchool", notification_id=7, error="no", traceback="Traceback", attempts=3
)


def test_a_failure_is_put_on_record_and_cleared(database):
    one = table(database)
    one.take("Counters")

    one.write("Counters", State.FAILED, FAILURE)

    failed = record(database)
    assert (failed.state, failed.upstream_name, failed.notification_id) == (
        "failed",
        "DogSchool",
        7,
    )
    assert (failed.error, failed.traceback, failed.attempts) == ("no", "Traceback", 3)
    assert abs(timezone.now() - failed.failed_at) < timedelta(seconds=5)
    assert one.look()[0]["Counters"].error == "no"

    one.write("Counters", State.RUNNING, None)

    well = record(database)
    assert (well.state, well.upstream_name, well.notification_id) == ("running", "", None)
    assert (well.error, well.traceback, well.attempts, well.failed_at) == ("", "", 0, None)


def test_only_the_holder_puts_things_on_record(database):
    one, two = table(database), table(database, TWO)
    one.take("Counters")

    two.write("Counters", State.FAILED, FAILURE)
    two.write_state("Counters", State.DIED)

    assert record(database).state == ""


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_jump_of_the_hosts_clock_has_no_effect(database, monkeypatch, hours):
    one, two = table(database), table(database, TWO)
    one.take("Counters")
    wrong = datetime.now(UTC) + timedelta(hours=hours)
    monkeypatch.setattr("time.time", wrong.timestamp)
    monkeypatch.setattr(timezone, "now", lambda: wrong)

    two.beat("polling")

    assert not two.take("Counters")
    assert two.take("Tally")
    assert 13 < lasts(database, "Tally") <= 14
    assert set(two.look()[1].workers) == {ONE, TWO}


def test_no_statement_has_a_time_of_the_host(database, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: datetime(1999, 12, 31, tzinfo=UTC))

    with CaptureQueriesContext(connections[database]) as queries:
        one = table(database, names=["Tally"])
        FollowerRecord.objects.using(database).update(updated_at=DatabaseNow())
        one.take("Tally")
        one.look()
        one.write("Tally", State.FAILED, FAILURE)
        one.forget_the_dead()
        one.give_back(["Tally"])
        one.leave()

    inserted = [q["sql"] for q in queries if "1999" in q["sql"]]
    assert [sql for sql in inserted if not sql.startswith("INSERT INTO")] == []
