"""What a status says of a real runner: at work, dead, hanging, and held up (G4, G5, R11, R12)."""

import time
from contextlib import contextmanager
from threading import Event

import pytest
from django.db import transaction as db_transaction

from django_eventsourcing import get_application, get_system
from django_eventsourcing.conf import RunnerOptions
from django_eventsourcing.runners import ThreadedRunner
from django_eventsourcing.status import Severity, Verdict, health, system_status, worst
from tests.core.school import DogSchool, Tally
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.schools import Obedient
from tests.django.status.rows import add_tricks
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("mariadb")

POLL = RunnerOptions(poll_interval=0.05)


@contextmanager
def running(configured, name="long_system"):
    configured(name)
    with ThreadedRunner(get_system(), options=POLL) as runner:
        wait_until(lambda: severity() is Severity.OK, "running")
        yield runner


def severity():
    return worst(health(system_status()))


def verdict(follower):
    return next(each for each in system_status().followers if each.name == follower)


def paced(look):
    """Look as often as people do: MariaDB shows its locks anew after 0.1 s without a look."""
    Event().wait(0.2)
    return look()


def seconds_until(condition, what, timeout):
    begun = time.monotonic()
    wait_until(condition, what, timeout)
    return time.monotonic() - begun


@pytest.mark.long_elsewhere("default")
def test_a_runner_at_work_is_well(configured):
    with running(configured):
        add_tricks("sit", "stay")
        wait_until(lambda: get_application(Tally).get_total() == 2, "tallied")
        wait_until(lambda: verdict("Tally").verdict is Verdict.CAUGHT_UP, "caught up")

        status = system_status()

    assert [each.words for each in status.followers] == [
        "Counters is caught up",
        "Tally is caught up",
    ]
    [worker] = status.workers
    assert worker.is_alive
    assert all(each.worker == worker for each in status.followers)


@pytest.mark.long_elsewhere("postgres")
def test_a_runner_that_has_stopped_is_told_at_once(configured):
    with running(configured):
        pass

    assert [each.words for each in system_status().followers] == [
        "Counters is not running: no worker holds it",
        "Tally is not running: no worker holds it",
    ]


@pytest.mark.parametrize("error", [MemoryError("no room"), SystemExit(1)])
def test_a_thread_that_dies_is_told_within_5_seconds(configured, monkeypatch, error):
    def die(self, domain_event):
        raise error

    monkeypatch.setattr(Obedient, "told", die)
    with running(configured, "obedient_system"):
        add_tricks("sit")
        took = seconds_until(lambda: severity() is Severity.CRITICAL, "critical", 10)

        words = verdict("Obedient").words

    assert took < 5
    assert words.startswith("Obedient has died: ")


@on("default")
def test_a_loop_that_hangs_is_told_within_two_heartbeats(configured, monkeypatch):
    going_on, in_hand = Event(), Event()

    def hang(self, domain_event):
        in_hand.set()
        going_on.wait(60)

    monkeypatch.setattr(Obedient, "told", hang)
    with running(configured, "obedient_system"):
        try:
            # Together: once the loop hangs, nobody else can write.
            with db_transaction.atomic():
                add_tricks("sit")
            assert in_hand.wait(10)
            took = seconds_until(lambda: severity() is Severity.CRITICAL, "critical", 20)
            follower = verdict("Obedient")
        finally:
            going_on.set()

    assert took < 10
    assert follower.verdict is Verdict.STUCK
    assert follower.words.startswith("Obedient is stuck: 2 events are pending")


@on("postgres")
def test_an_open_transaction_is_named_within_5_seconds_until_it_ends(configured, database):
    with running(configured), Elsewhere() as elsewhere:
        transaction = OpenTransaction(elsewhere, database)
        elsewhere.do(get_application(DogSchool).register_dog, "Rex")
        add_tricks("sit")

        took = seconds_until(lambda: verdict("Counters").verdict is Verdict.HELD_UP, "held up", 10)
        status = system_status()

        assert took < 5
        [holder] = status.holders
        assert holder.words.startswith(f"held by pid {holder.pid} for ")
        assert f"held by pid {holder.pid} for " in status.followers[0].words
        assert severity() is Severity.WARNING

        transaction.commit()
        wait_until(lambda: severity() is Severity.OK, "going on", 5)


@on("mariadb")
def test_an_open_transaction_that_writers_wait_for_is_named_within_5_seconds(configured, database):
    with running(configured), Elsewhere() as elsewhere, Elsewhere() as another:
        transaction = OpenTransaction(elsewhere, database)
        elsewhere.do(get_application(DogSchool).register_dog, "Rex")
        waiting = another.start(get_application(DogSchool).register_dog, "Fido")

        took = seconds_until(lambda: paced(severity) is Severity.WARNING, "held up", 10)
        status = paced(system_status)
        words = [finding.words for finding in health(status) if not finding.follower]

        assert took < 5
        [holder] = status.holders
        assert words == [
            (
                "Writers are held up by an open transaction: the log of DogSchool, Counters, Tally is "
                f"held by pid {holder.pid} for {holder.seconds:.0f} s (Sleep); 1 writer waits"
            )
        ]

        transaction.commit()
        waiting.result(20)
        wait_until(lambda: paced(severity) is Severity.OK, "going on", 5)
