"""Gates: who waits for whom after conflicts."""

import os
import time
from contextlib import contextmanager
from threading import Event, Thread
from uuid import uuid4

import pytest

from django_eventsourcing import gates, retry_on_conflict
from django_eventsourcing.gates import Gate
from eventsourcing.persistence import RecordConflictError


class Queue:
    """Stands for the queue of the host, and tells who has been there."""

    def __init__(self):
        self.turns = 0
        self.were_others_there = False

    @contextmanager
    def turn(self, timeout):
        self.turns += 1
        yield self.were_others_there


@pytest.fixture
def gate(monkeypatch):
    gate = Gate(str(uuid4()))
    gate._queue = Queue()
    return gate


@pytest.fixture(autouse=True)
def no_other_gates(monkeypatch):
    monkeypatch.setattr(gates, "_gates", {})


def take(gate, conflicts=0):
    with gate.turn(conflicts):
        pass
    return gate._queue.turns


def test_without_conflicts_nobody_queues(gate):
    assert take(gate) == 0


def test_after_one_conflict_its_next_try_queues_and_other_calls_do_not(gate):
    gate.note_conflict()

    assert take(gate, conflicts=1) == 1
    assert take(gate) == 1


def test_after_several_conflicts_all_queue(gate):
    gate.note_conflict()
    gate.note_conflict()

    assert take(gate) == 1


def test_as_long_as_others_are_in_the_queue_all_queue(gate, monkeypatch):
    clock = Clock(monkeypatch)
    gate.note_conflict()
    gate._queue.were_others_there = True
    take(gate, conflicts=1)

    for _ in range(3):
        clock.now += 1.5
        take(gate)
    assert gate._queue.turns == 4

    gate._queue.were_others_there = False
    clock.now += 1.5
    take(gate)
    clock.now += 1.5
    assert take(gate) == 5
    assert not gate.is_busy


class Clock:
    def __init__(self, monkeypatch):
        self.now = time.monotonic()
        monkeypatch.setattr(gates.time, "monotonic", lambda: self.now)


def test_a_turn_within_a_turn_does_not_queue_again(gate):
    gate.note_conflict()

    with gate.turn(1), gate.turn(1):
        assert gate._queue.turns == 1


def test_threads_take_turns(gate):
    gate.note_conflict()
    entered, order = Event(), []

    def other():
        entered.wait(20)
        with gate.turn():
            order.append("other")

    thread = Thread(target=other)
    thread.start()
    with gate.turn():
        entered.set()
        # Long enough for the other to come in, if it could.
        time.sleep(0.1)
        order.append("first")
    thread.join(20)

    assert order == ["first", "other"]


def test_calls_for_several_aggregates_have_gates_of_their_own():
    conflicted = []

    @retry_on_conflict
    def add_trick(school, dog_id, trick):
        if dog_id not in conflicted:
            conflicted.append(dog_id)
            raise RecordConflictError("x")

    fido, rex = uuid4(), uuid4()
    add_trick(object(), fido, "sit")
    add_trick(object(), dog_id=rex, trick="sit")
    add_trick(object(), fido, "roll over")

    assert sorted(name.split()[-1] for name in gates._gates) == sorted([str(fido), str(rex)])


def test_before_a_conflict_there_is_no_gate():
    retry_on_conflict(lambda: None)()

    assert gates._gates == {}


def test_gates_of_long_ago_are_forgotten(monkeypatch):
    clock = Clock(monkeypatch)
    for number in range(1001):
        gates.gate_of(f"gate {number}").note_conflict()
    clock.now += 1
    gates.gate_of("of late").note_conflict()
    assert len(gates._gates) == 1002

    clock.now += 1.5
    gates.gate_of("one more")

    assert sorted(gates._gates) == ["of late", "one more"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
def test_a_forked_child_does_not_wait_for_threads_that_it_has_not():
    gates.gate_of("gate").note_conflict()

    child = os.fork()
    if not child:
        os._exit(len(gates._gates))

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(gates._gates) == ["gate"]
