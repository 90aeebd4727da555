"""``manage.py run_system`` on several hosts or in several processes, and what keeps it going."""

import json
import os
import re
import signal
import time
from dataclasses import replace

import pytest
from django.db import OperationalError, transaction

from django_eventsourcing import get_application
from django_eventsourcing.models import FollowerRecord, TrackingRecord, WorkerRecord
from django_eventsourcing.runners import ThreadedRunner
from tests.core.school import Counters, Tally
from tests.databases import on
from tests.django.commands.processes import Manage, add_tricks, manage
from tests.django.schools import Loud
from tests.waiting import wait_until

pytestmark = pytest.mark.faults


def workers(database):
    return list(WorkerRecord.objects.using(database).order_by("name"))


def owners(database):
    rows = FollowerRecord.objects.using(database).exclude(lease_owner=None)
    return dict(rows.values_list("application_name", "lease_owner"))


def quick(setting):
    """Let workers wait two seconds for others, instead of fourteen."""
    setting["default"]["RUNNER"] = "tests.django.runners.test_workers.QuickRunner"
    return setting


@pytest.mark.long_elsewhere("postgres")
def test_sigterm_while_a_policy_works_gives_the_lease_back(configured, database, tmp_path):
    setting = configured("loud_system")
    add_tricks(3)
    said = tmp_path / "said"
    env = {"TEST_LOUD_FILE": str(said), "TEST_LOUD_SECONDS": "0.8"}

    with Manage("run_system", eventsourcing=setting, env=env) as runner:
        wait_until(said.exists, "processing", 60)
        runner.send(signal.SIGTERM)
        assert runner.wait(20) == 0

    assert owners(database) == {}
    assert workers(database) == []


@pytest.mark.long_elsewhere("default")
def test_what_a_killed_process_held_is_taken_over_by_one_beside_it(configured, database):
    setting = configured()

    with Manage("run_system", "--worker-name=a", eventsourcing=setting) as one:
        wait_until(lambda: len(owners(database)) == 2, "held", 60)
        with Manage("run_system", "--worker-name=b", eventsourcing=setting):
            wait_until(lambda: len(set(owners(database).values())) == 2, "shared", 60)
            one.kill()
            killed_at = time.monotonic()
            add_tricks(3)
            wait_until(lambda: get_application(Tally).get_total() == 3, "tallied")

            assert time.monotonic() - killed_at < 5
            assert [worker.name for worker in workers(database)] == ["b"]


class RunnerElsewhere(ThreadedRunner):
    """Runs as on another host: of its process, others cannot tell whether it is alive."""

    def _identity(self):
        return replace(super()._identity(), pid_space="")


@pytest.mark.stress
@on("postgres", "mariadb")
def test_what_a_host_held_that_died_is_taken_over_within_15_seconds(configured, database):
    setting = configured()
    setting["default"]["RUNNER"] = f"{__name__}.RunnerElsewhere"

    with Manage("run_system", eventsourcing=setting) as one:
        wait_until(lambda: len(owners(database)) == 2, "held", 60)
        with Manage("run_system", "--exclude=Tally", eventsourcing=setting):
            wait_until(lambda: len(workers(database)) == 2, "started", 60)
            one.kill()
            killed_at = time.monotonic()
            add_tricks(3)
            counters = get_application(Counters)
            wait_until(lambda: counters.get_count("sit") == 3, "counted", 30)

            seconds = time.monotonic() - killed_at
    assert seconds < 15


@pytest.mark.long_elsewhere("postgres")
@on("postgres", "mariadb")
def test_a_process_that_was_suspended_loses_its_followers_and_doubles_nothing(
    configured, database, tmp_path
):
    setting = quick(configured("loud_system", BATCH_SIZE=5))
    said = tmp_path / "said"
    env = {"TEST_LOUD_FILE": str(said), "TEST_LOUD_SECONDS": "0.02"}
    add_tricks(150)

    with Manage("run_system", "--worker-name=a", eventsourcing=setting, env=env) as one:
        wait_until(lambda: said.exists() and len(said.read_text()) > 40, "processing", 60)
        # Not in a transaction, the lock of which would keep the other from going on.
        suspend_between_batches(one, database)
        with Manage("run_system", "--worker-name=b", eventsourcing=setting, env=env):
            wait_until(lambda: get_application(Loud).get_count("sit") == 150, "taken over", 60)
            one.send(signal.SIGCONT)
            add_tricks(20)
            wait_until(lambda: get_application(Loud).get_count("sit") == 170, "processed", 60)
            wait_until(lambda: "Loud is held by another worker now" in one.output, "told")

    assert get_application(Loud).get_count("sit") == 170


def suspend_between_batches(process, database):
    """Suspend it at a moment when it holds no lock."""

    def is_suspended():
        process.send(signal.SIGSTOP)
        # Again and again, as the server may be about to do what it has been sent.
        if not any(is_locked(database) for _ in range(20)):
            return True
        process.send(signal.SIGCONT)
        return False

    wait_until(is_suspended, "suspended between batches")


def is_locked(database):
    try:
        with transaction.atomic(using=database):
            list(TrackingRecord.objects.using(database).select_for_update(nowait=True))
    except OperationalError:
        return True
    return False


@pytest.mark.long_elsewhere("mariadb")
def test_processes_share_the_followers_and_one_that_is_killed_is_replaced(configured, database):
    setting = configured()
    add_tricks(5)

    with Manage(
        "run_system", "--processes=2", "--worker-name=barn", eventsourcing=setting
    ) as runner:
        wait_until(lambda: len(workers(database)) == 2, "started", 60)
        assert [worker.name for worker in workers(database)] == ["barn-1", "barn-2"]
        wait_until(lambda: len(set(owners(database).values())) == 2, "shared", 60)
        (victim, _) = workers(database)
        os.kill(victim.pid, signal.SIGKILL)
        add_tricks(5)
        wait_until(
            lambda: len({w.id for w in workers(database)} - {victim.id}) == 2, "replaced", 60
        )
        wait_until(lambda: get_application(Tally).get_total() == 10, "tallied")

        runner.send(signal.SIGTERM)
        assert runner.wait(20) == 0
        assert (
            f"Process {victim.pid} has been ended by SIGKILL; it is started again in 1 s."
            in runner.output
        )
    assert get_application(Counters).get_count("sit") == 10
    assert workers(database) == []


@on("default")
def test_processes_catch_up_and_end(configured):
    setting = configured(BATCH_SIZE=3)
    add_tricks(20)

    code, output = manage("run_system", "--once", "--processes=2", eventsourcing=setting)

    assert code == 0, output
    assert get_application(Tally).get_total() == 20


@on("default")
def test_processes_whose_followers_have_failed_end_it_with_3(configured):
    setting = configured("poisoned_system", ON_ERROR={"retries": 0})
    add_tricks(1, "sing")

    code, output = manage(
        "run_system", "--once", "--processes=2", "--only=Poisoned", eventsourcing=setting
    )

    assert code == 3, output


@on("default")
def test_processes_end_with_the_one_that_has_started_them(configured, database):
    setting = configured()

    with Manage("run_system", "--processes=2", eventsourcing=setting) as runner:
        wait_until(lambda: len(workers(database)) == 2, "started", 60)
        runner.kill()
        wait_until(lambda: workers(database) == [], "ended", 30)


@on("default")
def test_a_second_signal_aborts_all_processes(configured, database, tmp_path):
    setting = configured("loud_system")
    add_tricks(2)
    said = tmp_path / "said"
    env = {"TEST_LOUD_FILE": str(said), "TEST_LOUD_SECONDS": "300"}

    with Manage("run_system", "--processes=2", eventsourcing=setting, env=env) as runner:
        wait_until(said.exists, "processing", 60)
        runner.send(signal.SIGTERM)
        wait_until(lambda: "again to abort" in runner.output, "asked to stop")
        runner.send(signal.SIGTERM)

        assert runner.wait(5) == 1
        assert get_application(Loud).recorder.max_tracking_id("DogSchool") is None


@pytest.mark.long_elsewhere("default")
def test_a_line_of_json_is_one_object(configured):
    setting = configured()
    add_tricks(3)

    code, output = manage("run_system", "--once", "--log-format=json", eventsourcing=setting)

    assert code == 0, output
    lines = [json.loads(line) for line in output.splitlines()]
    assert lines[0]["message"] == "System 'default': DogSchool > Counters, Counters > Tally"
    assert {line["level"] for line in lines} == {"INFO"}
    assert all(re.match(r"\d{4}-\d\d-\d\dT.*\+00:00$", line["time"]) for line in lines)
    moved = next(line for line in lines if line["message"].startswith("Counters +4"))
    assert moved["follower"] == "Counters"
    summary = next(line for line in lines if line.get("upstream") == "Counters")
    assert (summary["message"], summary["processed"]) == ("Tally: caught up", 4)
    assert summary["position"] == summary["head"]


@on("default")
def test_json_has_the_log_and_the_error(configured):
    setting = configured("poisoned_system", ON_ERROR={"retries": 0})
    add_tricks(1, "sing")

    code, output = manage("run_system", "--once", "--log-format=json", eventsourcing=setting)

    assert code == 3
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    failed = next(line for line in lines if line.get("traceback"))
    assert (failed["level"], failed["follower"]) == ("ERROR", "Poisoned")
    assert "dogs do not sing" in failed["traceback"]
    assert lines[-1]["message"].startswith("Not caught up: Poisoned failed.")


SYSTEM = {"default": {"SYSTEM": "tests.django.schools.system", "DATABASE": "other"}}


def away(engine="postgresql"):
    pytest.importorskip({"postgresql": "psycopg", "mysql": "MySQLdb"}[engine])
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": "school",
        "HOST": "127.0.0.1",
        "PORT": "1",
    }


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_a_server_that_is_away_is_waited_for_with_one_warning(engine):
    began = time.monotonic()

    code, output = manage(
        "run_system", "--max-wait=2", eventsourcing=SYSTEM, databases={"other": away(engine)}
    )

    assert code == 1
    assert time.monotonic() - began >= 2
    warning, error = output.splitlines()
    assert warning.startswith("WARNING: Database 'other' (")
    assert error.startswith("DatabaseNotReadyError: Database 'other' (")


def test_once_does_not_wait():
    code, output = manage("run_system", "--once", eventsourcing=SYSTEM, databases={"other": away()})

    assert code == 1
    assert "WARNING" not in output


def test_a_signal_ends_the_wait():
    with Manage("run_system", eventsourcing=SYSTEM, databases={"other": away()}) as runner:
        wait_until(lambda: "WARNING" in runner.output, "waiting", 60)
        runner.send(signal.SIGTERM)

        assert runner.wait(10) == 0
