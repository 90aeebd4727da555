"""Turns: threads of a process process one after the other, unless that could last for ever."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from eventsourcing.projection import EventSourcedProjection


@pytest.fixture
def projection():
    return EventSourcedProjection()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def take_turn(projection, then):
    with projection.processing_turn():
        then()


def test_a_thread_waits_for_its_turn(projection, pool):
    first, let_go, second = Event(), Event(), Event()

    pool.submit(take_turn, projection, lambda: (first.set(), let_go.wait(20)))
    assert first.wait(20)
    waiting = pool.submit(take_turn, projection, second.set)
    with pytest.raises(TimeoutError):
        waiting.result(timeout=0.2)
    assert not second.is_set()
    let_go.set()

    assert second.wait(20)


def test_a_thread_that_may_hold_locks_does_not_wait(projection, pool, monkeypatch):
    first, let_go, second = Event(), Event(), Event()

    pool.submit(take_turn, projection, lambda: (first.set(), let_go.wait(20)))
    assert first.wait(20)
    monkeypatch.setattr(projection.recorder, "holds_locks", lambda: True)
    pool.submit(take_turn, projection, second.set)

    assert second.wait(10)
    let_go.set()


def test_the_turn_is_given_back_by_whoever_has_it(projection, pool, monkeypatch):
    with projection.processing_turn():
        monkeypatch.setattr(projection.recorder, "holds_locks", lambda: True)
        pool.submit(take_turn, projection, Event().set).result(20)
        assert not pool.submit(projection.processing_lock.acquire, blocking=False).result(20)
        with projection.processing_turn():
            pass
        assert not pool.submit(projection.processing_lock.acquire, blocking=False).result(20)

    assert pool.submit(projection.processing_lock.acquire, blocking=False).result(20)
