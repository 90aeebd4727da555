"""Deaths: each of a series is answered later, and after too many nothing is."""

import pytest

from django_eventsourcing.runners.deaths import Deaths


@pytest.fixture
def clock():
    return [0.0]


def deaths(clock, **kwargs):
    return Deaths(clock=lambda: clock[0], **kwargs)


def test_each_of_a_series_is_answered_later(clock):
    series = deaths(clock)

    assert [series.died() for _ in range(5)] == [1, 2, 5, 10, 30]


def test_five_within_a_minute_are_too_many(clock):
    series = deaths(clock)

    for _ in range(4):
        series.died()
    assert not series.are_too_many
    series.died()
    assert series.are_too_many


def test_five_in_more_than_a_minute_are_not(clock):
    series = deaths(clock)

    for _ in range(9):
        series.died()
        clock[0] += 15.1

    assert not series.are_too_many


def test_a_series_ends_with_the_time(clock):
    series = deaths(clock)
    series.died()
    series.died()

    clock[0] = 60.0

    assert series.died() == 1
