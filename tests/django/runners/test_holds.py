"""Holds: a thread may process while its lease lasts, and no longer."""

import pytest

from django_eventsourcing.runners.holds import Hold, NotHeldError


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def hold(clock):
    return Hold(clock=lambda: clock[0])


def begin(hold):
    with hold.processing():
        return True


def test_nothing_is_processed_before_it_is_held(hold):
    assert not hold.is_held
    with pytest.raises(NotHeldError):
        begin(hold)


def test_it_ends_by_itself(hold, clock):
    hold.keep(until=14.0)

    assert begin(hold)
    clock[0] = 14.0
    with pytest.raises(NotHeldError):
        begin(hold)


def test_it_can_be_prolonged_also_after_its_end(hold, clock):
    hold.keep(until=14.0)
    clock[0] = 20.0

    hold.keep(until=30.0)

    assert begin(hold)


def test_it_is_overdue_until_it_is_prolonged(hold, clock):
    hold.keep(until=14.0, due=6.0)

    clock[0] = 7.0
    assert hold.is_overdue
    hold.keep(until=21.0, due=13.0)
    assert not hold.is_overdue


def test_what_is_in_hand_when_it_is_given_up_may_be_finished(hold):
    hold.keep()

    with hold.processing():
        hold.give_up()
        assert hold.is_busy
        assert not hold.may_process
    assert not hold.is_busy
    with pytest.raises(NotHeldError):
        begin(hold)


def test_a_pause_keeps_it(hold):
    hold.keep()

    hold.pause(is_paused=True)
    assert (hold.is_held, hold.may_process, hold.is_paused) == (True, False, True)
    hold.pause(is_paused=False)
    assert hold.may_process


def test_changes_are_told_once_each(hold):
    told = []
    hold.on_change = lambda: told.append(hold.may_process)

    hold.keep()
    hold.keep()
    hold.pause(is_paused=True)
    hold.pause(is_paused=True)
    hold.pause(is_paused=False)
    hold.lose()

    assert told == [True, False, True, False]
    assert hold.changed.is_set()


def test_a_request_for_another_try_is_taken_once(hold):
    hold.request_retry()

    assert hold.changed.is_set()
    assert hold.take_retry()
    assert not hold.take_retry()
