"""Silence: a database that gives no answer is told of, once, while others wait for it."""

import logging
from threading import Event

import pytest

from django_eventsourcing.runners import ThreadedRunner
from django_eventsourcing.runners.leases import LeaseTable
from django_eventsourcing.runners.silence import Silence
from tests.waiting import wait_until

TOLD = (
    "The database 'events' has not answered for 12 s, and everything waits for it.  "
    "HINT: Look at the server, the network to it, and who holds its locks; time-outs in OPTIONS "
    "end such waits."
)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def silence(clock, caplog):
    caplog.set_level(logging.INFO, "django_eventsourcing.runners.silence")
    return Silence("events", longest=10.0, clock=clock)


def test_a_long_wait_is_told_once_and_its_end_too(silence, clock, caplog):
    with silence.asking():
        clock.now += 12
        silence.look()
        silence.look()
        clock.now += 18

    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", TOLD),
        ("INFO", "The database 'events' answers again, after 30 s"),
    ]


def test_a_short_wait_is_not_told(silence, clock, caplog):
    with silence.asking():
        clock.now += 9
        silence.look()
    clock.now += 9
    silence.look()

    assert caplog.messages == []


def test_each_long_wait_is_told(silence, clock, caplog):
    for _ in range(2):
        with silence.asking():
            clock.now += 12
            silence.look()

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2


def test_an_error_is_no_answer(silence, clock, caplog):
    def ask_in_vain():
        with silence.asking():
            clock.now += 12
            silence.look()
            raise OSError("timed out")

    with pytest.raises(OSError, match="timed out"):
        ask_in_vain()

    assert caplog.messages == [TOLD]


def test_a_runner_tells_that_its_database_gives_no_answer(configured, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "django_eventsourcing.runners.silence")
    answering = Event()
    monkeypatch.setattr(LeaseTable, "beat", lambda *_: answering.wait(30) and set())
    monkeypatch.setattr(ThreadedRunner, "longest_silence", 0.2)

    with ThreadedRunner(configured()) as runner:
        wait_until(lambda: runner.wait(0.05) or caplog.messages, "told")
        answering.set()
        wait_until(lambda: len(caplog.messages) == 2, "told of the end")

    first, second = caplog.messages
    assert "has not answered for 0 s" in first
    assert "answers again" in second
