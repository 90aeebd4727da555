"""Paces: how fast followers go by what workers have put on record, minute by minute."""

import pytest

from django_eventsourcing.at_once import read_at_once
from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.status.paces import Minute, Pace, asked_minutes, pace_of, paces_of
from tests.django.status.rows import processed


def minute(ago, processed, *, seconds=60.0, passed=None):
    return Minute(
        ago=ago,
        processed=processed,
        passed=processed if passed is None else passed,
        seconds=seconds,
    )


def test_nothing_on_record_is_no_rate():
    assert pace_of([], 30.0) == Pace(rate=None, ids_rate=None, rates=(0.0,) * 60)


def test_the_rate_is_that_of_the_seconds_in_which_there_was_something():
    pace = pace_of([minute(0, 300, seconds=5.0), minute(1, 700, seconds=5.0)], 30.0)

    assert pace.rate == 100.0


def test_the_rate_is_that_of_the_last_two_minutes():
    assert pace_of([minute(2, 600), minute(59, 600)], 30.0).rate is None
    assert pace_of([minute(1, 600), minute(2, 60_000)], 30.0).rate == 10.0


def test_ids_of_others_are_passed_on_the_way():
    pace = pace_of([minute(0, 100, seconds=10.0, passed=400)], 30.0)

    assert (pace.rate, pace.ids_rate) == (10.0, 40.0)


def test_minutes_are_in_order_and_the_last_is_not_over_yet():
    pace = pace_of([minute(59, 600), minute(1, 60), minute(0, 60)], 30.0)

    assert pace.rates == (10.0, *[0.0] * 57, 1.0, 2.0)


@pytest.mark.parametrize("elapsed", [0.0, 1.0, 10.0])
def test_a_minute_that_has_just_begun_counts_as_two_heartbeats(elapsed):
    assert pace_of([minute(0, 60)], elapsed).rates[-1] == 6.0


def test_a_minute_that_is_not_of_the_hour_is_left_out():
    assert pace_of([minute(60, 600), minute(-1, 600)], 30.0) == Pace()


def test_rows_of_an_hour_are_read_for_the_followers_in_question(database):
    processed(database, 600, minutes_ago=2)
    processed(database, 1_200, minutes_ago=40)
    processed(database, 1_200, minutes_ago=70)
    processed(database, 600, "Tally", minutes_ago=2)

    questions = {"minutes": asked_minutes(["Counters"]), "now": DatabaseNow()}
    found = read_at_once(database, questions)

    paces = paces_of(found["minutes"], found["now"])

    assert list(paces) == ["Counters"]
    # A minute may have begun since.
    assert sorted(paces["Counters"].rates)[-3:] == [0.0, 10.0, 20.0]
    assert paces["Counters"].rates.index(20.0) in (18, 19)
