"""Waiting: for a position, and for the next notification, woken by commits."""

import threading
import time

import pytest

from eventsourcing.persistence import (
    ProgrammingError,
    StoredEvent,
    Tracking,
    WaitInterruptedError,
)
from eventsourcing.popo import POPOApplicationRecorder, POPOProcessRecorder, POPOTrackingRecorder


def stored_event(version, topic="a:B"):
    return StoredEvent("an originator", version, topic, b"{}")


def in_thread(func):
    thread = threading.Thread(target=func)
    thread.start()
    return thread


class TestTrackingRecorder:
    def test_returns_at_once_when_the_position_is_reached(self):
        recorder = POPOTrackingRecorder()
        recorder.insert_tracking(Tracking("School", 7))

        recorder.wait("School", 7)
        recorder.wait("School", 3)
        recorder.wait("School", None)

    def test_returns_when_the_position_is_reached_by_another_thread(self):
        recorder = POPOProcessRecorder()
        thread = in_thread(lambda: recorder.insert_events([], tracking=Tracking("School", 1)))

        recorder.wait("School", 1, timeout=20)

        thread.join()

    def test_is_woken_by_the_commit_rather_than_by_looking_again(self):
        # A look that is not announced would come after the time-out.
        recorder = POPOTrackingRecorder()
        looks = []
        max_tracking_id = recorder.max_tracking_id
        recorder.max_tracking_id = lambda name: looks.append(name) or max_tracking_id(name)
        thread = in_thread(lambda: recorder.wait("School", 1, timeout=20))
        while not looks:
            time.sleep(0)

        recorder.insert_tracking(Tracking("School", 1))
        thread.join(10)

        assert not thread.is_alive()
        assert len(looks) == 2

    def test_says_how_far_it_is_when_time_is_out(self):
        recorder = POPOTrackingRecorder()
        recorder.insert_tracking(Tracking("School", 3))

        with pytest.raises(TimeoutError) as caught:
            recorder.wait("School", 4, timeout=0.01)

        assert str(caught.value) == (
            "Notification 4 of 'School' was not processed within 0.01 s: the position is 3."
        )

    def test_can_be_interrupted(self):
        interrupt = threading.Event()
        thread = in_thread(interrupt.set)

        with pytest.raises(WaitInterruptedError) as caught:
            POPOTrackingRecorder().wait("School", 4, timeout=20, interrupt=interrupt)

        assert str(caught.value) == "The wait for notification 4 of 'School' was interrupted."
        thread.join()


class TestSubscription:
    def test_yields_what_is_there_and_what_comes(self):
        recorder = POPOApplicationRecorder()
        recorder.insert_events([stored_event(1), stored_event(2)])

        with recorder.subscribe() as subscription:
            assert [next(subscription).id, next(subscription).id] == [1, 2]
            thread = in_thread(lambda: recorder.insert_events([stored_event(3)]))
            assert next(subscription).id == 3
            thread.join()

    def test_begins_after_a_position(self):
        recorder = POPOApplicationRecorder()
        recorder.insert_events([stored_event(1), stored_event(2)])

        with recorder.subscribe(gt=1) as subscription:
            assert next(subscription).id == 2

    def test_passes_over_other_topics(self):
        recorder = POPOApplicationRecorder()
        recorder.insert_events([stored_event(1), stored_event(2, "a:C"), stored_event(3)])

        with recorder.subscribe(topics=["a:C"]) as subscription:
            assert next(subscription).id == 2

    def test_moves_its_position_past_other_topics(self):
        recorder = POPOApplicationRecorder()
        recorder.insert_events([stored_event(1), stored_event(2)])

        with recorder.subscribe(topics=["a:C"]) as subscription:
            assert subscription.advance() is None
            assert subscription.position == 2

    def test_ends_when_it_is_stopped_by_another_thread(self):
        subscription = POPOApplicationRecorder().subscribe()
        with subscription:
            thread = in_thread(subscription.stop)

            assert list(subscription) == []
            thread.join()

    def test_ends_with_the_block(self):
        recorder = POPOApplicationRecorder()
        recorder.insert_events([stored_event(1)])
        with recorder.subscribe() as subscription:
            pass

        with pytest.raises(StopIteration):
            next(subscription)

    def test_cannot_be_entered_twice(self):
        subscription = POPOApplicationRecorder().subscribe()
        with subscription, pytest.raises(ProgrammingError) as caught:
            subscription.__enter__()

        assert str(caught.value) == (
            "This subscription has been entered before. Subscribe again for another one."
        )

    def test_cannot_be_left_without_being_entered(self):
        with pytest.raises(ProgrammingError, match="This subscription has not been entered."):
            POPOApplicationRecorder().subscribe().__exit__()

    def test_delivers_events_that_are_saved_while_it_subscribes(self):
        recorder = POPOApplicationRecorder()
        done = threading.Event()

        def write():
            for version in range(1, 301):
                recorder.insert_events([stored_event(version)])
            done.set()

        thread = in_thread(write)
        with recorder.subscribe() as subscription:
            ids = [next(subscription).id for _ in range(300)]
        thread.join()

        assert ids == list(range(1, 301))

    def test_an_iteration_goes_on_after_it_has_passed_others(self):
        recorder = POPOApplicationRecorder()
        recorder.insert_events([stored_event(1), stored_event(2)])

        with recorder.subscribe(topics=["a:C"]) as subscription:
            thread = in_thread(lambda: _insert_when_passed(recorder, subscription))
            notification = next(subscription)
        thread.join()

        assert (notification.id, notification.topic) == (3, "a:C")


def _insert_when_passed(recorder, subscription):
    while subscription.position != 2:
        time.sleep(0)
    recorder.insert_events([stored_event(3, "a:C")])
