"""Statistics: what is processed is added up minute by minute, and disturbs nobody."""

import logging
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django import db
from django.db.models import Sum

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.models import FollowerRecord, FollowerStatistic
from django_eventsourcing.runners.holds import Hold
from django_eventsourcing.runners.statistics import Progress, Statistics, StatisticTable
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.runners.test_keeper import QuickRunner, wait_until_caught_up
from tests.django.schools import add_tricks
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("postgres")

TEN = Progress(processed=10, passed=30, seconds=5.0)


def rows(database, **wanted):
    """Return the sums of what is on record, by follower: a minute may end in between."""
    found = FollowerStatistic.objects.using(database).filter(**wanted)
    sums = found.values("application_name").order_by("application_name")
    return {
        each["application_name"]: (each["n"], each["ids"], each["time"])
        for each in sums.annotate(n=Sum("processed"), ids=Sum("passed"), time=Sum("seconds"))
    }


@pytest.fixture
def table(database):
    """Return the table, whose clock is told by a follower's row."""
    FollowerRecord.objects.using(database).create(application_name="Counters")
    return StatisticTable(database)


def worker(name="Counters", *, processed=0, position=0):
    pipe = SimpleNamespace(processed=processed, seen_position=position)
    return SimpleNamespace(run_name=name, pipes=[pipe], hold=Hold())


class Clock:
    """Tells the time that it is set to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_what_two_workers_process_in_one_minute_is_added(table, database):
    table.add({"Counters": TEN})
    StatisticTable(database).add({"Counters": TEN, "Tally": TEN})
    table.add({"Counters": TEN})

    assert rows(database) == {"Counters": (30, 90, 15.0), "Tally": (10, 30, 5.0)}


def test_a_minute_begins_at_its_first_second_by_the_clock_of_the_database(table, database):
    table.add({"Counters": TEN})

    statistics = FollowerStatistic.objects.using(database)
    minute, now = statistics.values_list("minute", DatabaseNow())[0]
    assert (minute.second, minute.microsecond) == (0, 0)
    assert timedelta(0) <= now - minute < timedelta(seconds=90)


def test_minutes_older_than_two_hours_are_deleted_when_another_begins(table, database):
    for hours in (1.9, 2.1):
        FollowerStatistic.objects.using(database).create(
            application_name=f"{hours}", minute=DatabaseNow() - timedelta(hours=hours)
        )

    table.add({"Counters": TEN})

    assert set(rows(database)) == {"1.9", "Counters"}


def test_a_row_that_is_gone_is_made_anew_the_next_time(table, database):
    table.add({"Counters": TEN})
    FollowerStatistic.objects.using(database).all().delete()

    assert table.add({"Counters": TEN}) == set()
    assert table.add({"Counters": TEN}) == {"Counters"}
    assert rows(database) == {"Counters": (10, 30, 5.0)}


@on("postgres", "mariadb")
def test_a_locked_row_is_left_for_the_next_time(table, database):
    table.add({"Counters": TEN, "Tally": TEN})
    with Elsewhere() as elsewhere:
        transaction = OpenTransaction(elsewhere, database)
        locked = FollowerStatistic.objects.using(database).filter(application_name="Counters")
        elsewhere.do(lambda: locked.update(seconds=0.0))

        # In another minute, nothing is locked.
        added = table.add({"Counters": TEN, "Tally": TEN})
        transaction.commit()

    assert "Tally" in added
    assert ("Counters" in added) == (rows(database)["Counters"][0] == 20)


def test_nothing_is_written_while_nothing_is_processed(table, database):
    Statistics(table, [worker()]).write(["Counters"])

    assert rows(database) == {}


def test_time_counts_in_which_something_was_processed(table, database):
    clock, counters = Clock(), worker()
    statistics = Statistics(table, [counters], clock)
    for processed in (0, 10, 10, 40):
        clock.now += 5.0
        counters.pipes[0].processed = processed
        statistics.write(["Counters"])

    assert rows(database) == {"Counters": (40, 40, 10.0)}


def test_the_time_of_a_batch_that_is_in_hand_counts_when_it_is_done(table, database):
    clock, counters = Clock(), worker()
    statistics = Statistics(table, [counters], clock)
    counters.hold.keep()
    with counters.hold.processing():
        clock.now += 5.0
        statistics.write(["Counters"])
        clock.now += 5.0
        counters.pipes[0].processed = 10
        statistics.write(["Counters"])

    assert rows(database) == {"Counters": (10, 10, 10.0)}


def test_ids_that_are_passed_count_while_the_follower_is_held(table, database):
    counters = worker(position=1_000)
    statistics = Statistics(table, [counters])
    counters.pipes[0].seen_position = 2_000
    statistics.write([])
    counters.pipes[0].seen_position = 3_000
    statistics.write(["Counters"])
    counters.pipes[0].seen_position, counters.pipes[0].processed = 3_500, 10
    statistics.write(["Counters"])

    assert rows(database)["Counters"][:2] == (10, 500)


def test_a_position_that_is_reset_does_not_count(table, database):
    counters = worker(position=1_000)
    statistics = Statistics(table, [counters])
    statistics.write(["Counters"])
    counters.pipes[0].seen_position, counters.pipes[0].processed = 10, 10
    statistics.write(["Counters"])

    assert rows(database)["Counters"][:2] == (10, 10)


def test_what_the_database_refuses_is_told_once_and_written_later(
    table, database, monkeypatch, caplog
):
    counters = worker()
    statistics = Statistics(table, [counters])
    counters.pipes[0].processed = 10

    def refuse(self, progress):
        raise db.ProgrammingError("no such table")

    with monkeypatch.context() as refusing, caplog.at_level(logging.WARNING):
        refusing.setattr(StatisticTable, "add", refuse)
        statistics.write(["Counters"])
        statistics.write(["Counters"])
    statistics.write(["Counters"])

    assert caplog.messages == [
        (
            f"What the followers process is not on record in database {database!r}, so that no "
            "rate is shown: ProgrammingError: no such table"
        )
    ]
    assert rows(database)["Counters"][0] == 10


def test_an_outage_is_the_keepers(table, monkeypatch):
    counters = worker()
    statistics = Statistics(table, [counters])
    counters.pipes[0].processed = 10

    def fail(self, progress):
        raise db.InterfaceError("connection already closed")

    monkeypatch.setattr(StatisticTable, "add", fail)
    with pytest.raises(db.InterfaceError):
        statistics.write(["Counters"])


def test_a_runner_puts_on_record_what_it_processes(configured, database):
    system = configured()
    with QuickRunner(system) as runner:
        wait_until_caught_up(runner)
        add_tricks(system, 3)
        wait_until(lambda: rows(database).get("Counters", (0,))[0] == 4, "on record")

    number, passed, seconds = rows(database)["Counters"]
    assert (number, passed >= 4, seconds > 0.0) == (4, True, True)


def test_a_run_that_catches_up_puts_it_on_record_at_its_end(configured, database):
    system = configured()
    add_tricks(system, 3)

    with QuickRunner(system, once=True) as runner:
        runner.wait()

    assert rows(database)["Counters"][0] == 4
