"""Two databases, one of which goes away: what needs the other alone goes on, and it is told once."""

import logging

import pytest
from django.conf import settings as given

from django_eventsourcing import get_system, registry
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.runners import State, ThreadedRunner
from django_eventsourcing.runners.leases import LeaseTiming
from django_eventsourcing.status import Severity, Verdict, health, system_status
from tests.databases import on
from tests.django.runners.servers import away, locked_out
from tests.django.runners.two_databases import (
    CatCounters,
    CatSchool,
    Counters,
    DogCounters,
    DogSchool,
    Registrar,
    add,
    count,
)
from tests.waiting import wait_until

needs_both = pytest.mark.skipif("postgres" not in given.DATABASES, reason="needs a second database")
both = pytest.mark.django_db(transaction=True, databases=["default", "postgres"])


class QuickRunner(ThreadedRunner):
    """Looks often, and waits for others not as long."""

    lease_timing = LeaseTiming(look=0.05, heartbeat=0.2, duration=2.0, grace=0.5)


@pytest.fixture
def configure(settings):
    """Return what configures a system, with these applications in a database of their own."""

    def configure(name="system", database="default", **elsewhere):
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": f"tests.django.runners.two_databases.{name}",
                "DATABASE": database,
                "APPLICATIONS": {each: {"DATABASE": alias} for each, alias in elsewhere.items()},
                "OPTIONS": {"POLL_INTERVAL": 0.05, "LISTEN": False},
            }
        }
        return get_system()

    yield configure
    registry.reset()


def state_of(runner, follower):
    (state,) = {r.state for r in runner.reports(look_up=False) if r.follower == follower}
    return state


def wait_until_caught_up(runner):
    wait_until(
        lambda: {r.state for r in runner.reports(look_up=False)} == {State.CAUGHT_UP}, "caught up"
    )


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


@needs_both
@both
def test_an_upstream_that_is_away_is_told_once_and_the_others_are_followed(configure, caplog):
    system = configure(CatSchool="postgres")
    with QuickRunner(system, followers=["Counters", "DogCounters"]) as runner:
        wait_until_caught_up(runner)
        with away("postgres"):
            wait_until(lambda: state_of(runner, "Counters") is State.WAITING, "waits")
            # Long enough for many looks at the dogs, and for tries at the cats.
            for number in range(1, 16):
                add(system, DogSchool, 1)
                wait_until(
                    lambda: count(system, Counters) == count(system, DogCounters) == number,  # noqa: B023
                    "the dogs are followed",
                )
            assert state_of(runner, "Counters") is State.WAITING
            (told,) = warnings(caplog)
        add(system, CatSchool, 2)
        wait_until(lambda: count(system, Counters) == 17, "the cats are followed again")
        wait_until_caught_up(runner)

    assert told.startswith(
        "Counters waits for the database and tries again: OperationalError: Database 'postgres': "
    )
    assert warnings(caplog) == [told]


@needs_both
@both
def test_several_that_wait_for_the_same_database_tell_it_once(configure, caplog):
    system = configure(CatSchool="postgres", CatCounters="postgres")
    waiting = {"Counters": {State.WAITING}, "CatCounters": {State.WAITING, State.STAND_BY}}
    with QuickRunner(system) as runner:
        wait_until_caught_up(runner)
        with away("postgres"):
            for follower, states in waiting.items():
                wait_until(lambda: state_of(runner, follower) in states, "waits")  # noqa: B023
        wait_until_caught_up(runner)

    assert len(warnings(caplog)) == 1


@needs_both
@both
def test_a_second_outage_is_told_again(configure, caplog):
    system = configure(CatSchool="postgres")
    with QuickRunner(system, followers=["Counters"]) as runner:
        for number in (1, 2):
            wait_until_caught_up(runner)
            with away("postgres"):
                wait_until(lambda: state_of(runner, "Counters") is State.WAITING, "waits")
            wait_until_caught_up(runner)
            assert len(warnings(caplog)) == number


@needs_both
@both
def test_the_leases_in_the_other_database_are_kept(configure, caplog):
    system = configure(CatSchool="postgres", CatCounters="postgres", DogCounters="default")
    held = FollowerRecord.objects.using("default").filter(application_name="DogCounters")
    with QuickRunner(system, followers=["DogCounters", "CatCounters"]) as runner:
        wait_until_caught_up(runner)
        before = held.get()
        with away("postgres"):
            wait_until(lambda: state_of(runner, "CatCounters") is State.STAND_BY, "its lease ended")
            add(system, DogSchool, 3)
            wait_until(lambda: count(system, DogCounters) == 3, "the dogs are followed")
            during = held.get()
            assert during.lease_expires_at > before.lease_expires_at
            assert runner.failure == ""
        add(system, CatSchool, 2)
        wait_until(lambda: count(system, CatCounters) == 2, "its lease is back")
        after = held.get()

    owners = {row.lease_owner for row in (before, during, after)}
    assert len(owners) == 1
    assert owners != {None}
    assert {row.lease_epoch for row in (before, during, after)} == {1}
    assert len(warnings(caplog)) == 1


@needs_both
@both
def test_a_database_that_the_policy_alone_uses_is_named_while_it_is_away(configure, caplog):
    system = configure("registrar_system")
    on_record = FollowerRecord.objects.using("default").filter(application_name="Registrar")
    with QuickRunner(system) as runner:
        wait_until_caught_up(runner)
        with away("postgres"):
            add(system, DogSchool, 2)
            wait_until(
                lambda: on_record.filter(state="waiting for the database").exists(), "on record"
            )
            reason = on_record.get().error
            status = system_status()
            # Each try is waited for twice as long as the one before.
            (outage,) = runner._workers[0]._outages.values()
            wait_until(lambda: outage.remaining > 1.0, "tried again and again")
        wait_until(lambda: count(system, Registrar) == 2, "counted")
        wait_until(lambda: on_record.filter(error="", state="caught up").exists(), "well again")

    assert reason.startswith("Database 'postgres': OperationalError: ")
    (finding,) = health(status)
    assert (finding.verdict, finding.severity) == (Verdict.RETRYING, Severity.WARNING)
    assert finding.words == (
        f"Registrar waits for a database and tries again: 3 events are pending: {reason}"
    )
    assert warnings(caplog) == [f"Registrar waits for the database and tries again: {reason}"]


@on("default")
def test_an_outage_is_not_over_before_the_notification_at_which_it_was_met(
    configure, database, caplog, monkeypatch
):
    system = configure("dogs_system", database)
    add(system, DogSchool, 3)
    runner = QuickRunner(system, once=True)
    outages = iter(range(3))

    def lock_out(follower, domain_event):
        if domain_event.originator_version == 3:
            for _ in outages:
                # What is before it is committed by itself.
                runner._workers[0].pipes[0].go_singly()
                raise locked_out()

    monkeypatch.setattr(DogCounters, "told", lock_out)
    runner.start()
    assert runner.wait(30)

    assert count(system, DogCounters) == 3
    assert next(outages, None) is None
    assert len(warnings(caplog)) == 1
