"""How often a follower has failed at one position, and whether in the same way."""

import re

from django_eventsourcing.runners.attempts import Attempts, place_of


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


def raised_elsewhere(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_failures_are_counted_at_each_position_anew() -> None:
    attempts = Attempts()

    counts = [attempts.failed_at(at, raised(ValueError("bad"))) for at in (None, None, 7, 7, 7, 8)]

    assert counts == [1, 2, 1, 2, 3, 1]


def test_alike_are_failures_of_one_class_that_are_raised_in_one_place() -> None:
    attempts = Attempts()
    alike = []
    for error in (
        raised(ValueError("row 1")),
        raised(ValueError("row 2")),
        raised(KeyError("row 2")),
        raised(KeyError("row 2")),
        raised_elsewhere(KeyError("row 2")),
    ):
        attempts.failed_at(7, error)
        alike.append(attempts.are_alike)

    assert alike == [False, True, False, True, False]


def test_the_first_failure_at_a_position_is_like_none_before() -> None:
    attempts = Attempts()
    attempts.failed_at(7, raised(ValueError("bad")))
    attempts.failed_at(8, raised(ValueError("bad")))

    assert not attempts.are_alike


def test_a_place_is_a_file_and_a_line() -> None:
    assert re.fullmatch(r"test_attempts\.py:\d+", place_of(raised(ValueError("bad"))))
