"""The keeper: neither errors nor locks nor other databases keep it from prolonging leases."""

import logging
from asyncio import CancelledError

import pytest
from django import db

from django_eventsourcing.models import DeadLetterRecord, FollowerRecord, WorkerRecord
from django_eventsourcing.runners import State, ThreadedRunner
from django_eventsourcing.runners.keeper import Account
from django_eventsourcing.runners.leases import LeaseTable, LeaseTiming
from tests.core.school import Tally
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.schools import Obedient, add_tricks
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("postgres")


class QuickRunner(ThreadedRunner):
    """Looks often, and waits for others not as long."""

    lease_timing = LeaseTiming(look=0.05, heartbeat=0.2, duration=2.0, grace=0.5)


def states(runner):
    return {report.follower: report.state for report in runner.reports(look_up=False)}


def wait_until_caught_up(runner):
    wait_until(lambda: set(states(runner).values()) == {State.CAUGHT_UP}, "caught up")


def owner_of(database, name):
    return FollowerRecord.objects.using(database).get(application_name=name).lease_owner


def test_an_error_text_that_databases_refuse_does_not_end_the_run(configured, monkeypatch):
    def fail(self, domain_event):
        raise ValueError("cannot parse \x00\udc80")

    monkeypatch.setattr(Obedient, "told", fail)
    system = configured("obedient_system", ON_ERROR={"retries": 0})
    add_tricks(system, 1)

    with QuickRunner(system) as runner:
        failed = FollowerRecord.objects.using(system.database_of("Obedient")).filter(
            application_name="Obedient"
        )
        wait_until(lambda: failed.exclude(error="").exists(), "on record")
        assert failed.get().error == "ValueError: cannot parse \\x00\\udc80"
        assert not runner.wait(0.2)
        assert runner.failure == ""


@pytest.mark.parametrize("error", [db.DataError("too long"), db.OperationalError("timeout")])
def test_whatever_the_database_refuses_does_not_end_the_run(configured, monkeypatch, caplog, error):
    system = configured()
    with QuickRunner(system) as runner:
        wait_until_caught_up(runner)
        with caplog.at_level(logging.WARNING), monkeypatch.context() as refusing:
            tried = []

            def refuse(self):
                tried.append(self)
                raise error

            refusing.setattr(LeaseTable, "look", refuse)
            wait_until(lambda: len(tried) > 2, "tried anew")
        add_tricks(system, 2)
        wait_until(lambda: system.get(Tally).get_total() == 2, "tallied")

        assert runner.failure == ""
    told = [m for m in caplog.messages if "leases in database" in m]
    alias = system.database_of("Tally")
    assert told == [
        f"The leases in database {alias!r} wait for it: {type(error).__name__}: {error}"
    ]


def test_all_is_given_back_even_if_the_last_states_cannot_be_written(
    configured, database, monkeypatch, caplog
):
    system = configured()

    def refuse(self, *args):
        raise db.DataError("too long")

    with QuickRunner(system) as runner:
        wait_until_caught_up(runner)
        monkeypatch.setattr(Account, "_write", refuse)

    assert owner_of(database, "Tally") is None
    assert not WorkerRecord.objects.using(database).exists()
    assert (
        f"What the followers have come to is not on record in database {database!r}: "
        "DataError: too long"
    ) in caplog.messages


LET_GO = "Tally is not held by this worker any more: its lease has ended, or a command had taken it"


@pytest.mark.long_elsewhere("mariadb")
@on("postgres", "mariadb")
def test_a_locked_row_holds_up_its_own_follower_alone(configured, database, caplog):
    system = configured()
    with QuickRunner(system) as runner, Elsewhere() as elsewhere:
        wait_until_caught_up(runner)
        transaction = OpenTransaction(elsewhere, database)
        tally = FollowerRecord.objects.using(database).filter(application_name="Tally")
        elsewhere.do(lambda: tally.update(desired_reason="maintenance"))

        wait_until(lambda: states(runner)["Tally"] is State.STAND_BY, "its lease has ended")
        wait_until(lambda: LET_GO in caplog.messages, "told")
        # Whoever looks for more is running for a moment.
        assert states(runner)["Counters"] in (State.CAUGHT_UP, State.RUNNING)
        assert runner._workers[0].hold.may_process
        beaten = WorkerRecord.objects.using(database).get().heartbeat_at
        wait_until(
            lambda: WorkerRecord.objects.using(database).get().heartbeat_at > beaten, "beaten"
        )
        transaction.commit()
        wait_until_caught_up(runner)

    alias = system.database_of("Tally")
    assert [m for m in caplog.messages if "prolonged" in m] == [
        (
            f"The leases of Tally in database {alias!r} cannot be prolonged, and end 2 s after "
            "they were: another transaction has locked their rows"
        )
    ]
    assert "Tally is held by another worker now" not in caplog.messages


@pytest.mark.long_elsewhere("default")
def test_a_policy_that_is_cancelled_has_failed(configured, database, monkeypatch):
    def cancel(self, domain_event):
        raise CancelledError

    monkeypatch.setattr(Obedient, "told", cancel)
    system = configured("obedient_system", ON_ERROR={"retries": 1, "backoff": [0], "then": "park"})
    add_tricks(system, 1)

    runner = QuickRunner(system, once=True)
    runner.start()
    assert runner.wait(20)

    assert states(runner)["Obedient"] is State.CAUGHT_UP
    letters = DeadLetterRecord.objects.using(database).filter(application_name="Obedient")
    first = letters.order_by("notification_id")[0]
    assert (first.error, first.attempts) == ("CancelledError", 2)


def test_a_worker_that_is_stopping_takes_no_share(configured, database):
    system = configured()
    runner = QuickRunner(system)
    runner.lease_timing = LeaseTiming(look=30.0)
    workers = WorkerRecord.objects.using(database)
    runner.start()
    wait_until_caught_up(runner)
    assert workers.get().followers == ["Counters", "Tally"]
    # None of its threads can end yet.
    with runner._lock:
        runner.stop()
        wait_until(lambda: workers.get().followers == [], "no share")
    assert runner.wait(20)


def test_names_that_are_too_long_are_cut(configured, database, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "h" * 300)
    system = configured()

    with QuickRunner(system) as runner:
        wait_until_caught_up(runner)
        worker = WorkerRecord.objects.using(database).get()

        assert worker.host == "h" * 255
        assert len(worker.name) == 255
        assert worker.name.endswith(f"h-{worker.pid}")
