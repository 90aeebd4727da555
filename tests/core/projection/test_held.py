"""Held aggregates: copies, brought up to date by what was collected since they were read."""

from threading import Lock

import pytest

from eventsourcing.application import ProcessingEvent
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.projection.gathering import Gathered
from eventsourcing.projection.held import HeldAggregates


class Counter(Aggregate):
    def __init__(self):
        self.steps = []

    @event("Counted")
    def count(self, step):
        self.steps.append(step)


class Locked(Counter):
    def __init__(self):
        super().__init__()
        self.lock = Lock()


@pytest.fixture
def counter():
    found = Counter()
    found.collect_events()
    return found


@pytest.fixture
def held():
    return HeldAggregates(lambda domain_event: domain_event)


def counted(counter, *steps):
    for step in steps:
        counter.count(step)
    return counter.collect_events()


def test_what_is_not_held_is_to_be_read(held, counter):
    held.add(counted(counter, 1))

    assert held.get(counter.id) is None


def test_it_is_as_it_was_read_and_then_as_what_was_collected_makes_it(held, counter):
    held.hold(counter.id, counter)
    assert held.get(counter.id).steps == []

    held.add(counted(counter, 1, 2))
    assert (held.get(counter.id).steps, held.get(counter.id).version) == ([1, 2], 3)

    held.add(counted(counter, 3))
    assert held.get(counter.id).steps == [1, 2, 3]


def test_what_is_done_to_a_copy_is_not_seen(held, counter):
    held.hold(counter.id, counter)
    counter.steps.append("outside")

    copy = held.get(counter.id)
    copy.count(1)
    copy.steps.append("beside")

    assert held.get(counter.id).steps == []
    assert held.get(counter.id).pending_events == []


def test_events_are_those_that_will_be_read(counter):
    def doubled(domain_event):
        return type(domain_event)(**{**vars(domain_event), "step": domain_event.step * 2})

    held = HeldAggregates(doubled)
    held.hold(counter.id, counter)
    held.add(counted(counter, 1, 2))

    assert held.get(counter.id).steps == [2, 4]


def test_what_does_not_fit_is_read(held, counter):
    held.hold(counter.id, counter)
    first, second = counted(counter, 1, 2)
    held.add([second])

    assert held.get(counter.id) is None
    held.add([first])
    assert held.get(counter.id) is None


def test_what_cannot_be_copied_is_read_each_time(held):
    locked = Locked()
    held.hold(locked.id, locked)

    assert held.get(locked.id) is None


def test_nothing_is_held_that_others_may_have_changed(held, counter):
    held.hold(counter.id, counter)
    held.clear()

    assert held.get(counter.id) is None


class TestGathered:
    """Which aggregates a unit of work holds."""

    def gathered(self):
        return Gathered(lambda _: None, lambda: None, lambda domain_event: domain_event)

    def collected(self, number, *events):
        processing_event = ProcessingEvent(Tracking("Steps", number))
        processing_event.collect_events(*events)
        return processing_event

    def test_those_are_read_once_more_that_are_got_after_a_change(self, counter):
        gathered, reads = self.gathered(), []

        def rebuild():
            reads.append(counter.version)
            return counter

        for number in range(1, 5):
            gathered.get(counter.id, rebuild)
            gathered.add(self.collected(number, *counted(counter, number)))

        assert reads == [1, 2]
        assert gathered.get(counter.id, rebuild).steps == [1, 2, 3, 4]

    def test_those_are_read_that_are_not_changed(self, counter):
        gathered, reads = self.gathered(), []

        for number in range(1, 4):
            gathered.get(counter.id, lambda: reads.append(1) or counter)
            gathered.add(self.collected(number))

        assert len(reads) == 3

    def test_they_are_read_anew_after_others_have_written(self, counter):
        gathered, reads = self.gathered(), []

        for number in range(1, 5):
            gathered.get(counter.id, lambda: reads.append(1) or counter)
            gathered.add(self.collected(number, *counted(counter, number)))
            gathered.before_others()

        assert len(reads) == 4

    def test_they_are_read_anew_after_somebody_has_saved_while_they_were_recorded(self, counter):
        def record(_):
            # Its own insert, and that of a hook.
            gathered.before_others()
            gathered.before_others()

        gathered, reads = Gathered(record, lambda: None, lambda domain_event: domain_event), []

        for number in range(1, 5):
            gathered.get(counter.id, lambda: reads.append(1) or counter)
            gathered.add(self.collected(number, *counted(counter, number)))
            gathered.flush()

        assert len(reads) == 4
