"""Stop signals: taken note of while a command works, and left as they were before."""

import os
import signal

import pytest

from django_eventsourcing.management.signals import StopSignals, ended_by_signals


@pytest.fixture
def handlers():
    """Put back what the test runner handles itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_signal_is_noted(handlers):
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)

    assert signals.received == "SIGTERM"
    assert {number: signal.getsignal(number) for number in handlers} == handlers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_only_shows_is_ended_without_a_word(handlers, number):
    is_ended = True

    with ended_by_signals():
        os.kill(os.getpid(), number)
        is_ended = False

    assert is_ended
    assert {number: signal.getsignal(number) for number in handlers} == handlers


def test_a_handler_that_is_not_pythons_gives_way_to_the_default(handlers, monkeypatch):
    put_back = signal.signal
    monkeypatch.setattr(signal, "signal", lambda *args: put_back(*args) and None)

    with StopSignals():
        pass
    with ended_by_signals():
        pass
    monkeypatch.undo()

    assert [signal.getsignal(number) for number in handlers] == [signal.SIG_DFL, signal.SIG_DFL]
