"""The contract of waiting for a position; give a ``recorder`` fixture to run it."""

from threading import Event

import pytest

from eventsourcing.conformance.base import DEADLINE, RecorderContract
from eventsourcing.persistence import Tracking, TrackingRecorder, WaitInterruptedError

__all__ = ["WaitingContract"]


class WaitingContract(RecorderContract):
    """What ``wait()`` and ``pass_over()`` of a tracking recorder do."""

    def test_a_wait_ends_at_once_where_the_position_is_reached(
        self, recorder: TrackingRecorder
    ) -> None:
        recorder.insert_tracking(Tracking("DogSchool", 7))

        recorder.wait("DogSchool", 7, timeout=0)
        recorder.wait("DogSchool", 3, timeout=0)
        recorder.wait("CatSchool", None, timeout=0)

    def test_a_wait_is_woken_by_the_commit_rather_than_by_looking_again(
        self, recorder: TrackingRecorder
    ) -> None:
        looks = _Looks(recorder)

        with self.elsewhere() as start:
            waiting = start(recorder.wait, "DogSchool", 7, DEADLINE)
            looks.wait_for_the_first()
            recorder.insert_tracking(Tracking("DogSchool", 7))
            waiting.result(timeout=DEADLINE)

        assert looks.count == 2

    def test_a_wait_goes_on_while_the_position_is_before_the_notification(
        self, recorder: TrackingRecorder
    ) -> None:
        looks = _Looks(recorder)

        with self.elsewhere() as start:
            waiting = start(recorder.wait, "DogSchool", 7, DEADLINE)
            looks.wait_for_the_first()
            recorder.insert_tracking(Tracking("DogSchool", 6))
            recorder.insert_tracking(Tracking("CatSchool", 7))
            assert not waiting.done()
            recorder.insert_tracking(Tracking("DogSchool", 8))
            waiting.result(timeout=DEADLINE)

    def test_a_wait_says_how_far_the_position_is_when_time_is_out(
        self, recorder: TrackingRecorder
    ) -> None:
        recorder.insert_tracking(Tracking("DogSchool", 3))

        with pytest.raises(TimeoutError, match=r"otification 4 of .*DogSchool.* 0\.01 s.* 3\."):
            recorder.wait("DogSchool", 4, timeout=0.01)

    def test_a_wait_can_be_interrupted(self, recorder: TrackingRecorder) -> None:
        interrupt = Event()
        looks = _Looks(recorder)

        with self.elsewhere() as start:
            waiting = start(recorder.wait, "DogSchool", 4, DEADLINE, interrupt)
            looks.wait_for_the_first()
            interrupt.set()
            with pytest.raises(WaitInterruptedError, match="otification 4 of .*DogSchool"):
                waiting.result(timeout=DEADLINE)

    def test_notifications_that_need_no_processing_are_passed_over(
        self, recorder: TrackingRecorder
    ) -> None:
        recorder.pass_over(Tracking("DogSchool", 7))

        recorder.wait("DogSchool", 7, timeout=0)
        assert recorder.max_tracking_id("DogSchool") == 7

    def test_passing_over_never_moves_the_position_back(self, recorder: TrackingRecorder) -> None:
        recorder.insert_tracking(Tracking("DogSchool", 7))

        recorder.pass_over(Tracking("DogSchool", 7))
        recorder.pass_over(Tracking("DogSchool", 3))

        assert recorder.max_tracking_id("DogSchool") == 7


class _Looks:
    """Counts how often a wait looks at the position; only an announcement makes it look again."""

    def __init__(self, recorder: TrackingRecorder) -> None:
        recorder.poll_interval = None
        self.count = 0
        self._first = Event()
        self._look = recorder.has_tracking_id
        recorder.has_tracking_id = self.look  # type: ignore[method-assign]

    def look(self, application_name: str, notification_id: int | None) -> bool:
        self.count += 1
        found = self._look(application_name, notification_id)
        self._first.set()
        return found

    def wait_for_the_first(self) -> None:
        assert self._first.wait(DEADLINE)
