"""Rebuilds that are requested: one of the ``run_system`` processes carries each out, once."""

import os
import signal
import sys
from contextlib import ExitStack

import pytest
from django.db import transaction

from django_eventsourcing import get_system
from django_eventsourcing.management.requested_rebuilds import RequestedRebuilds
from django_eventsourcing.models import FollowerRecord, RebuildRequest, WorkerRecord
from django_eventsourcing.rebuilding import RebuildRefusedError, Requests, request_rebuild
from django_eventsourcing.rebuilding.records import ProjectionRows
from django_eventsourcing.runners.leases import LeaseTiming, WorkerIdentity
from tests.databases import on
from tests.django.commands.calls import call
from tests.django.commands.processes import Manage
from tests.django.commands.test_es_rebuild import configured
from tests.django.projections.rebuilds import (
    add_tricks,
    computed,
    positions,
    record_of,
    rows,
    spoil,
)
from tests.django.runners.test_segments import run_once
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("mariadb")

__all__ = ["configured"]

# In the long form of the tests: each of these starts processes, and waits for them.
LONG = pytest.mark.stress
KINDS = pytest.mark.parametrize("kind", [pytest.param("in place", marks=LONG), "shadow"])


@pytest.fixture
def env(database):
    """Return what sends the models of processes to the database of the test."""
    return {"TEST_ROUTERS": f'["tests.django.commands.routers.To{database.capitalize()}"]'}


def spoiled(database, times=1):
    """Let the projection process tricks; change its rows by hand."""
    for _ in range(times):
        add_tricks()
    run_once(get_system())
    spoil(database)


def request(kind="shadow"):
    request_rebuild(get_system(), "Board", kind, reason="wrong counts", by="ann")


def requested(database):
    return RebuildRequest.objects.using(database).filter(projection__application_name="Board")


def worker(name):
    return WorkerIdentity.of_this_process("default", name)


def told(*runners):
    """Return how many rebuilds the processes have brought to an end."""
    return sum(runner.output.count("es_rebuild: Board is rebuilt") for runner in runners)


@KINDS
def test_it_is_done_by_a_worker_that_runs_already(configured, database, env, kind):
    setting = configured()
    spoiled(database)
    with Manage("run_system", eventsourcing=setting, env=env) as runner:
        wait_until(lambda: FollowerRecord.objects.using(database).get().lease_owner, "held", 60)
        request(kind)

        wait_until(lambda: rows(database) == computed(), "rebuilt", 60)
        wait_until(lambda: not requested(database).exists(), "done", 60)
        wait_until(lambda: told(runner) == 1, "told", 60)
        add_tricks("sit")
        wait_until(lambda: rows(database) == computed(), "processed", 60)
        runner.send(signal.SIGTERM)

        assert runner.wait() == 0
    assert set(positions(database)) == {"Board"}
    assert not record_of(database).kind


@pytest.mark.faults
@on("postgres")
@KINDS
def test_one_of_two_workers_does_it_once(configured, database, env, kind):
    setting = configured()
    spoiled(database, times=20)
    env["TEST_BOARD_SECONDS"] = "0.01"
    request(kind)

    with ExitStack() as stack:
        runners = [
            stack.enter_context(
                Manage("run_system", f"--worker-name=w{n}", eventsourcing=setting, env=env)
            )
            for n in range(2)
        ]
        wait_until(lambda: not requested(database).exists(), "done", 90)
        wait_until(lambda: told(*runners) == 1, "told", 60)
        wait_until(lambda: rows(database) == computed(), "rebuilt", 60)
        for runner in runners:
            runner.send(signal.SIGTERM)
        for runner in runners:
            runner.wait()

        assert told(*runners) == 1
        assert sum(runner.output.count("es_rebuild: Board is to be") for runner in runners) == 1


@LONG
@on("default", "postgres")
@KINDS
def test_killed_with_the_process_that_does_it_it_is_told_and_gone_on_with(
    configured, database, env, kind
):
    setting = configured()
    spoiled(database, times=40)
    slow = env | {"TEST_BOARD_SECONDS": "0.05"}
    request(kind)

    with Manage("run_system", eventsourcing=setting, env=slow) as runner:
        wait_until(lambda: record_of(database).step == "filling", "begun", 60)
        [holder] = WorkerRecord.objects.using(database).filter(name="es_rebuild")
        runner.kill()
        os.kill(holder.pid, signal.SIGKILL)
    # Whoever was killed is missed when its lease ends, if not before.
    wait_until(lambda: "was ended before it was done" in call("es_status")[1], "missed", 60)
    is_told = call("es_status")[1]
    with Manage("run_system", eventsourcing=setting, env=env) as runner:
        wait_until(lambda: not requested(database).exists(), "done", 60)
        wait_until(lambda: rows(database) == computed(), "rebuilt", 60)

    how = "in place" if kind == "in place" else "by shadow"
    assert f"Board: a rebuild {how} of 2" in is_told
    assert f"Board: a rebuild {how} was requested by ann at 2" in is_told
    assert "; taken last by " in is_told
    assert not record_of(database).kind


@LONG
def test_stopped_with_its_worker_it_is_gone_on_with_by_the_next(configured, database, env):
    setting = configured()
    spoiled(database, times=40)
    request()

    slow = env | {"TEST_BOARD_SECONDS": "0.05"}
    with Manage("run_system", eventsourcing=setting, env=slow) as runner:
        wait_until(lambda: positions(database).get("Board[shadow]"), "filling", 60)
        runner.send(signal.SIGTERM)
        assert runner.wait() == 0
    [left] = requested(database)

    assert (left.lease_owner, left.error) == (None, "")
    with Manage("run_system", eventsourcing=setting, env=env) as runner:
        wait_until(lambda: told(runner) == 1, "done", 60)
        assert "Board: goes on with the rebuild by shadow of 2" in runner.output
        assert " by ann" in runner.output


@pytest.mark.long_elsewhere("postgres")
def test_what_cannot_be_done_is_left_with_the_reason(configured, database, env):
    setting = configured()
    spoiled(database)
    request()
    board = FollowerRecord.objects.using(database).filter(application_name="Board")
    board.update(desired_state="paused", desired_reason="prices")

    with Manage("run_system", eventsourcing=setting, env=env) as runner:
        wait_until(lambda: requested(database).get().error, "refused", 60)
        wait_until(lambda: "es_rebuild: CommandError: Board is paused" in runner.output, "told")

    assert requested(database).get().error.startswith("Board is paused: prices.  HINT: ")
    assert Requests(database).take(["Board"], worker("w")) is None
    assert "has failed: Board is paused: prices." in call("es_status")[1]
    board.update(desired_state="running")
    request()
    with Manage("run_system", eventsourcing=setting, env=env):
        wait_until(lambda: not requested(database).exists(), "done", 60)
    assert rows(database) == computed()


def test_a_rebuild_by_command_does_what_is_requested(configured, database):
    configured()
    spoiled(database)
    request()

    assert call("es_rebuild", "Board", "--noinput")[0] == 0

    assert not requested(database).exists()


def test_a_process_whose_request_is_withdrawn_does_nothing(configured, database):
    configured()
    spoiled(database)

    code, text = call("es_rebuild", "Board", "--noinput", "--requested")

    assert (code, text) == (0, "")
    assert rows(database) != computed()


def test_of_those_who_would_take_it_one_does(configured, database):
    configured()
    request()
    requests = Requests(database)

    taken = [requests.take(["Board"], worker(name)) for name in ("w1", "w2")]

    assert [each is not None for each in taken] == [True, False]
    assert requested(database).get().taken_by.startswith("w1 (")
    with pytest.raises(RebuildRefusedError, match=r"is under way, by w1 \(.*HINT: Wait for it"):
        requests.withdraw("Board")


def test_a_worker_that_is_gone_is_relieved(configured, database):
    configured()
    request()
    short = Requests(database, LeaseTiming(duration=0.0))
    one, two = worker("w1"), worker("w2")
    taken = short.take(["Board"], one)

    requests = Requests(database)
    assert requests.take(["Board"], two) is not None
    requests.prolong(taken, one)
    assert requests.release(taken, one)
    assert requested(database).get().lease_owner == two.id


def test_others_are_not_taken(configured, database):
    configured()
    request()

    assert Requests(database).take(["Tally"], worker("w1")) is None


def test_it_goes_with_the_end_of_the_rebuild_or_not_at_all(configured, database):
    configured()
    request()
    row = record_of(database)
    one = worker("w1")
    requested(database).update(worker=one.id)
    type(row).objects.using(database).update(worker=one.id, kind="shadow", step="filling")

    with transaction.atomic(using=database):
        assert ProjectionRows(database, "Board").finish(one, version=1, rate=None)
        transaction.set_rollback(True, using=database)
    assert (requested(database).exists(), record_of(database).kind) == (True, "shadow")
    assert not ProjectionRows(database, "Board").finish(worker("w2"), version=1, rate=None)
    assert requested(database).exists()
    assert ProjectionRows(database, "Board").finish(one, version=1, rate=None)
    assert not requested(database).exists()


@pytest.mark.long_elsewhere("default")
def test_a_process_that_ends_without_a_word_is_tried_three_times(configured, database):
    configured()
    request()
    said = []
    program = [sys.executable, "-c", "raise SystemExit(7)"]

    with RequestedRebuilds(program, get_system(), ["Board"], worker_name="w1", write=said.append):
        wait_until(lambda: requested(database).get().error, "given up", 60)

    assert requested(database).get().error == (
        "es_rebuild has ended with 7, 3 times; the output of the worker w1 has more"
    )
    assert said == 2 * ["es_rebuild: ended with 7; it is tried again"]
