"""Switching: no event is passed by, or processed twice, whoever records meanwhile."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from django.db import connections, transaction

from django_eventsourcing import get_system
from django_eventsourcing.draining import Drain
from django_eventsourcing.models import FollowerRecord, StoredEventRecord
from django_eventsourcing.recorders.errors import SynchronousFollowerError
from django_eventsourcing.runners import ThreadedRunner
from django_eventsourcing.synchronous import Switching, SwitchingError
from django_eventsourcing.synchronous import switching as switching_module
from tests.core.school import Counters, DogSchool
from tests.databases import on
from tests.django.own_models.models import TrickCount
from tests.django.projections.boards import Board, Kennel
from tests.django.schools import teach
from tests.waiting import wait_until

WIDE = "tests.django.projections.boards.wide_system"


@contextmanager
def held_open(database, work, *, until):
    """Have another thread do the work in a transaction, which stays open until something holds."""
    is_done = Event()

    def hold():
        try:
            with transaction.atomic(using=database):
                work()
                is_done.set()
                wait_until(until, "the transaction may end", 60)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert is_done.wait(20)
        yield
        holding.result()


def test_what_is_recorded_before_is_processed_first(configured, counts):
    system = configured("Board")
    teach(configured().get(DogSchool), ["sit"])
    system = configured("Board")
    head = system.get(DogSchool).recorder.max_notification_id()

    result = Switching(system, "Board").make_synchronous()

    assert result.is_synchronous
    assert result.positions == {"DogSchool": head}
    assert counts() == {"sit": 1}
    teach(system.get(DogSchool), ["sit"])
    assert counts() == {"sit": 2}


def test_with_nothing_recorded_it_begins(configured, counts):
    system = configured("Board", system=WIDE)

    assert Switching(system, "Board").make_synchronous().positions == {"DogSchool": 0, "Kennel": 0}

    teach(system.get(Kennel), ["sit"])
    assert counts() == {"sit": 1}


def test_once_more_changes_nothing(configured, counts):
    system = configured("Board")
    teach(system.get(DogSchool), ["sit"])

    assert Switching(system, "Board").make_synchronous().positions == {}
    assert counts() == {"sit": 1}


def test_off_leaves_to_workers_what_is_recorded_from_then_on(configured, counts):
    system = configured("Board")
    teach(system.get(DogSchool), ["sit"])
    head = system.get(DogSchool).recorder.max_notification_id()

    result = Switching(system, "Board").make_asynchronous()

    assert not result.is_synchronous
    assert result.positions == {"DogSchool": head}
    assert system.get(Board).recorder.max_tracking_id("DogSchool") == head
    teach(system.get(DogSchool), ["beg"])
    assert counts() == {"sit": 1}
    with ThreadedRunner(system):
        wait_until(lambda: counts() == {"sit": 1, "beg": 1}, "processed by a worker")
    assert Switching(system, "Board").make_asynchronous().positions == {}


def test_off_lets_workers_go_on_that_one_before_has_left_paused(configured, counts, monkeypatch):
    system = configured("Board", system=WIDE)
    monkeypatch.setattr(Drain, "resume", lambda self, names: None)
    Switching(system, "Board").make_synchronous()
    monkeypatch.undo()

    Switching(system, "Board").make_asynchronous()

    teach(system.get(DogSchool), ["sit"])
    with ThreadedRunner(system):
        wait_until(lambda: counts() == {"sit": 1}, "processed by a worker")


def test_a_follower_that_records_events_is_caught_up_behind_the_barrier(configured, monkeypatch):
    system = configured(system="tests.django.schools.system")
    teach(system.get(DogSchool), ["sit", "beg"])
    system = configured("Counters", system="tests.django.schools.system")
    # As if all had been recorded after the last look.
    monkeypatch.setattr(Switching, "_catch_up", lambda self, upstream: None)

    Switching(system, "Counters").make_synchronous()

    assert system.get(Counters).get_count("sit") == 1
    teach(system.get(DogSchool), ["sit"])
    assert system.get(Counters).get_count("sit") == 2


@pytest.mark.long_elsewhere("mariadb")
def test_others_that_record_and_workers_go_on_meanwhile(configured, counts, database):
    system = configured("Board")
    teach(configured().get(DogSchool), ["sit"])
    system = configured("Board")
    is_over = Event()
    rng = random.Random(7)

    def write(number):
        own = random.Random(number)
        try:
            while not is_over.is_set():
                with transaction.atomic(using=database):
                    teach(system.get(DogSchool), [f"trick {number}"])
                    time.sleep(own.uniform(0, 0.01))
                    if own.random() < 0.2:
                        transaction.set_rollback(True, using=database)
                time.sleep(own.uniform(0, 0.02))
        finally:
            connections.close_all()

    with ThreadedRunner(system) as runner, ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        try:
            for _ in range(3):
                Switching(system, "Board").make_synchronous()
                time.sleep(rng.uniform(0, 0.3))
                Switching(system, "Board").make_asynchronous()
                time.sleep(rng.uniform(0, 0.3))
            Switching(system, "Board").make_synchronous()
        finally:
            is_over.set()
        [writer.result() for writer in writers]

    events = StoredEventRecord.objects.using(database).of("DogSchool")
    assert sum(counts().values()) == events.filter(originator_version=2).count()
    assert not runner.failure


@on("postgres", "mariadb")
def test_open_transactions_that_have_recorded_are_waited_for(configured, counts, database):
    system = configured()
    teach(system.get(DogSchool), ["sit"])
    system = configured("Board")
    lines = []

    with held_open(
        database,
        lambda: teach(system.get(DogSchool), ["beg"]),
        until=lambda: any("waiting" in line for line in lines),
    ):
        Switching(system, "Board", write=lines.append).make_synchronous()

    assert counts() == {"sit": 1, "beg": 1}
    assert "Board: waiting for transactions that have recorded events" in lines


@on("postgres", "mariadb")
def test_transactions_that_stay_open_are_not_waited_for_for_ever(configured, database, counts):
    system = configured()
    teach(system.get(DogSchool), ["sit"])
    system = configured("Board")
    is_over = Event()

    with held_open(database, lambda: teach(system.get(DogSchool), ["beg"]), until=is_over.is_set):
        with pytest.raises(SwitchingError) as caught:
            Switching(system, "Board", lock_timeout=0.1).make_synchronous()
        is_over.set()

    assert str(caught.value) == (
        "Not within 0.1 s: all transactions at an end that have recorded events of DogSchool.  "
        "HINT: End those that are open, or allow more by --lock-timeout."
    )
    assert not system.get(Board).recorder.is_synchronous("DogSchool")
    assert not FollowerRecord.objects.using(database).filter(desired_state="paused").exists()


def test_a_failure_on_the_way_changes_nothing(configured, counts, monkeypatch, database):
    teach(configured().get(DogSchool), ["sit", "beg"])
    system = configured("Board")
    monkeypatch.setattr(Board, "after", lambda self, trick: {"sit": 0}[trick])

    with pytest.raises(SwitchingError) as caught:
        Switching(system, "Board").make_synchronous()

    second = system.get(DogSchool).recorder.max_notification_id() - 1
    assert str(caught.value) == (
        f"Board fails after DogSchool {second}: KeyError: 'beg'.  "
        "HINT: Mend the cause, and run this again."
    )
    assert counts() == {"sit": 1}
    assert not system.get(Board).recorder.is_synchronous("DogSchool")
    assert not FollowerRecord.objects.using(database).filter(desired_state="paused").exists()


def test_a_failure_behind_the_barrier_changes_nothing(configured, counts, monkeypatch):
    teach(configured().get(DogSchool), ["sit", "beg"])
    system = configured("Board")
    monkeypatch.setattr(Switching, "_catch_up", lambda self, upstream: None)
    monkeypatch.setattr(Board, "after", lambda self, trick: {"sit": 0}[trick])

    with pytest.raises(SwitchingError, match="Board fails after DogSchool"):
        Switching(system, "Board").make_synchronous()

    assert counts() == {}
    monkeypatch.undo()
    Switching(system, "Board").make_synchronous()
    assert counts() == {"sit": 1, "beg": 1}


@pytest.mark.long_elsewhere("postgres")
@on("postgres", "mariadb")
def test_rows_that_others_have_locked_are_waited_for_behind_the_barrier(
    configured, counts, monkeypatch, database
):
    teach(configured().get(DogSchool), ["sit"])
    system = configured("Board")
    monkeypatch.setattr(Switching, "_catch_up", lambda self, upstream: None)
    TrickCount.objects.using(database).create(trick="sit", count=0)
    lines = []

    with held_open(
        database,
        lambda: TrickCount.objects.using(database).filter(trick="sit").update(count=0),
        until=lambda: any("waiting" in line for line in lines),
    ):
        Switching(system, "Board", write=lines.append).make_synchronous()

    assert counts() == {"sit": 1}


def test_a_split_follower_is_to_be_joined_first(configured, settings):
    configured()
    settings.EVENTSOURCING["default"]["APPLICATIONS"] = {"Board": {"SEGMENTS": 2}}
    settings.EVENTSOURCING = dict(settings.EVENTSOURCING)
    with ThreadedRunner(get_system()) as runner:
        teach(get_system().get(DogSchool), ["sit"])
        wait_until(lambda: any(r.processed for r in runner.reports()), "begun")

    with pytest.raises(SwitchingError) as caught:
        Switching(configured("Board"), "Board").make_synchronous()

    assert str(caught.value) == (
        "Board is split into 2 segments in DogSchool.  HINT: Join them first: remove SEGMENTS from "
        "the settings and run 'manage.py es_segments Board'."
    )


def test_dead_letters_are_to_be_dealt_with_first(configured, monkeypatch):
    teach(configured().get(DogSchool), ["sit"])
    system = configured("Board")
    monkeypatch.setattr(switching_module, "count_parked", lambda system, names: {"Board": 1})

    with pytest.raises(SwitchingError) as caught:
        Switching(system, "Board").make_synchronous()

    assert str(caught.value) == (
        "Board has 1 dead letter, to be processed before later events of the same aggregates.  "
        "HINT: Retry or discard what is parked first: see 'manage.py es_deadletters Board'."
    )


def test_rebuilding_and_splitting_are_refused(configured, settings):
    from django_eventsourcing.rebuilding import InPlaceRebuild
    from django_eventsourcing.splitting import Splitting

    system = configured("Board")
    teach(system.get(DogSchool), ["sit"])

    with pytest.raises(SynchronousFollowerError, match="es_sync Board --off"):
        InPlaceRebuild(system, "Board").run()
    with pytest.raises(SynchronousFollowerError, match="es_sync Board --off"):
        Splitting(configured(), "Board").run()
