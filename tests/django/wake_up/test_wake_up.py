"""Wake-up: commits of other processes wake the followers of a runner, where they can be heard."""

import threading

import pytest
from django.db import transaction
from django.db.backends.postgresql import psycopg_any

from django_eventsourcing import get_application
from django_eventsourcing.conf import (
    ApplicationConfig,
    RunnerOptions,
    SystemConfig,
    get_config,
)
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners import State, ThreadedRunner
from django_eventsourcing.runners.listener import WakeUpState
from django_eventsourcing.runners.wake_up import WakeUp, followed_databases
from tests.core.school import DogSchool, Tally
from tests.databases import on
from tests.django.commands.processes import Manage
from tests.django.persistence.elsewhere import Elsewhere
from tests.django.schools import add_tricks
from tests.django.wake_up.listening import cut_listeners, listeners_at
from tests.waiting import wait_until

# Far beyond the deadlines of the tests: what is processed was not found by polling.
SELDOM = 3600


def elsewhere(system):
    """Return a system whose applications know nothing of the runner, as in another process."""
    return ConfiguredSystem(system.config)


def wait_until_idle(runner):
    wait_until(lambda: {r.state for r in runner.reports()} == {State.CAUGHT_UP}, "idle")
    wait_until(lambda: runner.wake_up.state == WakeUpState.LISTENING, "listening")


@on("postgres")
def test_commits_of_other_processes_wake_followers_and_theirs(configured):
    system = configured(POLL_INTERVAL=SELDOM)

    with ThreadedRunner(system) as runner:
        wait_until_idle(runner)
        add_tricks(elsewhere(system), 3)
        wait_until(lambda: system.get(Tally).get_total() == 3, "tallied")


@on("postgres")
def test_followers_of_followers_in_another_runner_are_woken(configured):
    system = configured(POLL_INTERVAL=SELDOM)
    other = elsewhere(system)

    with (
        ThreadedRunner(system, followers=["Counters"]) as counting,
        ThreadedRunner(other, followers=["Tally"]) as tallying,
    ):
        wait_until_idle(counting)
        wait_until_idle(tallying)
        add_tricks(elsewhere(system), 3)
        wait_until(lambda: system.get(Tally).get_total() == 3, "tallied")


@on("postgres")
def test_a_transaction_that_commits_wakes_and_one_that_does_not_does_not(configured, database):
    system = configured(POLL_INTERVAL=SELDOM)
    other = elsewhere(system)

    with ThreadedRunner(system) as runner:
        wait_until_idle(runner)
        with transaction.atomic(using=database):
            add_tricks(other, 1)
            with transaction.atomic(using=database):
                add_tricks(other, 1)
                transaction.set_rollback(True, using=database)
        with transaction.atomic(using=database):
            add_tricks(other, 1)
            transaction.set_rollback(True, using=database)
        wait_until(lambda: system.get(Tally).get_total() == 1, "tallied")


@on("postgres")
def test_what_is_committed_while_nothing_is_heard_is_processed_when_it_is_again(
    configured, database, monkeypatch
):
    system = configured(POLL_INTERVAL=SELDOM, LISTEN=True)
    other = elsewhere(system)

    with ThreadedRunner(system) as runner:
        wait_until_idle(runner)
        (heard,) = runner.wake_up._listeners
        may_return = threading.Event()
        # The listener comes back when it is told, rather than after a while.
        monkeypatch.setattr(heard._stopping, "wait", may_return.wait)
        assert cut_listeners(database) == 1
        wait_until(lambda: runner.wake_up.state == WakeUpState.LOST, "lost")
        add_tricks(other, 3)
        assert system.get(Tally).get_total() == 0
        may_return.set()
        wait_until(lambda: system.get(Tally).get_total() == 3, "tallied")
        wait_until(lambda: runner.wake_up.state == WakeUpState.LISTENING, "listening")


@on("postgres")
def test_what_is_heard_is_announced_to_all_that_wait_in_this_process(configured, database):
    system = configured(POLL_INTERVAL=SELDOM)
    recorder = system.get(DogSchool).recorder
    recorder.poll_interval = SELDOM

    with (
        ThreadedRunner(system) as runner,
        Elsewhere() as thread,
        recorder.subscribe() as subscription,
    ):
        wait_until_idle(runner)
        pending = thread.start(next, subscription)
        wait_until(lambda: recorder.announcer._condition._waiters, "waiting")
        add_tricks(elsewhere(system), 0)
        assert pending.result(timeout=20).originator_version == 1


@on("postgres")
def test_nothing_is_left_of_a_runner_that_has_stopped(configured, database):
    system = configured()
    before = set(threading.enumerate())

    for _ in range(3):
        with ThreadedRunner(system) as runner:
            wait_until_idle(runner)

    assert [t for t in threading.enumerate() if t not in before] == []
    wait_until(lambda: listeners_at(database) == [], "closed")
    assert runner.wake_up.state == WakeUpState.POLLING


@on("postgres")
def test_a_run_that_catches_up_does_not_listen(configured):
    system = configured()
    runner = ThreadedRunner(system, once=True)

    runner.start()

    assert runner.wake_up._listeners == ()
    assert runner.wait(60)


def wake_up_of(system, **options):
    options = RunnerOptions(poll_interval=0.5, **options)
    return WakeUp(system, system.system.followers, options)


@on("postgres")
@pytest.mark.parametrize("listen", ["auto", True])
def test_postgresql_is_listened_to(configured, listen):
    wake_up = wake_up_of(configured(), listen=listen)

    assert wake_up.describe() == "LISTEN on postgres; polling every 0.5 s"
    assert wake_up.state == "polling"


@pytest.mark.parametrize("listen", ["auto", True])
@on("default", "mariadb")
def test_other_databases_are_polled(configured, listen):
    wake_up = wake_up_of(configured(), listen=listen)

    assert wake_up.aliases == []
    assert wake_up.describe() == "polling every 0.5 s"


def test_listening_may_be_turned_off(configured):
    wake_up = wake_up_of(configured(), listen=False)

    assert wake_up.aliases == []
    assert wake_up.describe() == "polling every 0.5 s (LISTEN: off)"


@on("postgres")
def test_the_older_driver_does_not_listen(configured, monkeypatch):
    monkeypatch.setattr(psycopg_any, "is_psycopg3", False)
    wake_up = wake_up_of(configured())

    assert wake_up.aliases == []
    assert wake_up.describe() == "polling every 0.5 s (LISTEN: needs psycopg 3)"


def test_the_databases_are_those_of_what_is_followed():
    others = {"Counters": "other", "Tally": "third"}
    system = ConfiguredSystem(
        SystemConfig(
            alias="default",
            system="tests.django.schools.long_system",
            applications={n: ApplicationConfig(database=a) for n, a in others.items()},
        )
    )

    assert followed_databases(system, ["Counters"]) == ["default"]
    assert followed_databases(system, ["Tally"]) == ["other"]
    assert followed_databases(system, ["Counters", "Tally"]) == ["default", "other"]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], "polling"),
        (["polling"], "polling"),
        (["listening", "polling"], "listening"),
        (["listening", "listening lost"], "listening lost"),
    ],
)
@on("default")
def test_the_worst_state_counts(configured, states, expected):
    class Heard:
        def __init__(self, state):
            self.state = WakeUpState(state)

    wake_up = wake_up_of(configured())
    wake_up._listeners = tuple(map(Heard, states))

    assert wake_up.state == expected


@on("postgres")
def test_a_process_hears_of_another(configured, settings):
    configured(POLL_INTERVAL=SELDOM)

    with Manage("run_system", eventsourcing=settings.EVENTSOURCING) as runner:
        banner = "  wake-up    LISTEN on postgres; polling every 3600 s\n"
        wait_until(lambda: banner in runner.output, "started", 60)
        wait_until(lambda: len(listeners_at("postgres")) == 1, "listening")
        add_tricks(ConfiguredSystem(get_config()), 3)
        wait_until(lambda: get_application(Tally).get_total() == 3, "tallied")


@on("postgres")
def test_a_process_that_is_told_not_to_listen_polls(configured, settings):
    configured()

    with Manage("run_system", "--no-listen", eventsourcing=settings.EVENTSOURCING) as runner:
        wait_until(lambda: "wake-up" in runner.output, "started", 60)
        add_tricks(ConfiguredSystem(get_config()), 3)
        wait_until(lambda: get_application(Tally).get_total() == 3, "tallied")

        assert "  wake-up    polling every 0.05 s (LISTEN: off)\n" in runner.output
        assert listeners_at("postgres") == []
