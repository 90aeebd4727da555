"""Retrying: as often as said, for the errors said, and clear about wrong arguments."""

import re

import pytest

from eventsourcing.retrying import repeat
from eventsourcing.utils import retry


class Flaky:
    """Raises a number of times, then answers."""

    def __init__(self, failures, error=ValueError):
        self.failures = failures
        self.error = error
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(f"call {self.calls}")
        return "done"


def retried(flaky, *args, **kwargs):
    @retry(*args, **kwargs)
    def func():
        return flaky()

    return func


def test_returns_what_the_function_returns_in_the_end():
    flaky = Flaky(2)

    assert retried(flaky, ValueError, max_attempts=3)() == "done"
    assert flaky.calls == 3


def test_raises_the_last_error():
    with pytest.raises(ValueError, match="call 3"):
        retried(Flaky(9), ValueError, max_attempts=3)()


def test_raises_other_errors_at_once():
    flaky = Flaky(1, KeyError)

    with pytest.raises(KeyError):
        retried(flaky, (ValueError, TypeError), max_attempts=3)()

    assert flaky.calls == 1


def test_calls_once_without_arguments():
    @retry
    def func():
        """Say hello."""
        return "hello"

    assert func() == "hello"
    assert func.__doc__ == "Say hello."


def test_waits_before_the_first_call_and_between_calls(monkeypatch):
    slept = []
    monkeypatch.setattr("eventsourcing.retrying.time.sleep", slept.append)

    retried(Flaky(2), ValueError, max_attempts=3, wait=10, stall=1)()

    assert slept[0] == 1
    assert [9 <= s <= 11 for s in slept[1:]] == [True, True]


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"exc": "x"}, "exc is 'x'. Give an exception class, or a tuple of them."),
        ({"exc": (int,)}, "exc is (<class 'int'>,). Give an exception class"),
        ({"max_attempts": "3"}, "max_attempts is '3'. Give a whole number from 1."),
        ({"max_attempts": 0}, "max_attempts is 0. Give a whole number from 1."),
        ({"wait": "1"}, "wait is '1'. Give a number of seconds, 0 or more."),
        ({"stall": -1}, "stall is -1. Give a number of seconds, 0 or more."),
    ],
)
def test_refuses_wrong_arguments(kwargs, text):
    with pytest.raises(TypeError, match=re.escape(text)):
        retry(**kwargs)


def test_a_call_is_repeated_as_often_as_there_are_waits():
    flaky = Flaky(2)

    assert repeat(flaky, when=lambda error: str(error) != "call 3", waits=[0, 0, 0]) == "done"
    assert flaky.calls == 3


def test_a_call_is_not_repeated_for_an_error_of_which_it_is_not_said():
    with pytest.raises(ValueError, match="call 1"):
        repeat(Flaky(2), when=lambda error: False, waits=[0, 0, 0])
