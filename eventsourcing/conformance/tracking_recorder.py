"""The contract of tracking recorders; give a ``recorder`` fixture to run it."""

import pytest

from eventsourcing.conformance.waiting import WaitingContract
from eventsourcing.persistence import IntegrityError, Tracking, TrackingRecorder

__all__ = ["TrackingRecorderContract"]


class TrackingRecorderContract(WaitingContract):
    """What a recorder of a follower's positions does, waits included."""

    def test_there_is_no_position_before_the_first(self, recorder: TrackingRecorder) -> None:
        assert recorder.max_tracking_id("DogSchool") is None

    def test_the_position_moves_forward(self, recorder: TrackingRecorder) -> None:
        recorder.insert_tracking(Tracking("DogSchool", 21))
        recorder.insert_tracking(Tracking("DogSchool", 22))
        recorder.insert_tracking(Tracking("DogSchool", 99))

        assert recorder.max_tracking_id("DogSchool") == 99

    @pytest.mark.parametrize("notification_id", [21, 20, 1])
    def test_the_position_never_moves_otherwise(
        self, recorder: TrackingRecorder, notification_id: int
    ) -> None:
        recorder.insert_tracking(Tracking("DogSchool", 21))

        with pytest.raises(IntegrityError, match=f"otification {notification_id} of .*DogSchool"):
            recorder.insert_tracking(Tracking("DogSchool", notification_id))

        assert recorder.max_tracking_id("DogSchool") == 21

    def test_upstream_applications_have_positions_of_their_own(
        self, recorder: TrackingRecorder
    ) -> None:
        recorder.insert_tracking(Tracking("DogSchool", 21))
        recorder.insert_tracking(Tracking("CatSchool", 3))
        recorder.insert_tracking(Tracking("dogschool", 5))

        assert recorder.max_tracking_id("DogSchool") == 21
        assert recorder.max_tracking_id("CatSchool") == 3
        assert recorder.max_tracking_id("dogschool") == 5

    def test_a_position_has_been_reached_up_to_itself(self, recorder: TrackingRecorder) -> None:
        recorder.insert_tracking(Tracking("DogSchool", 21))

        assert recorder.has_tracking_id("DogSchool", 20)
        assert recorder.has_tracking_id("DogSchool", 21)
        assert not recorder.has_tracking_id("DogSchool", 22)
        assert not recorder.has_tracking_id("CatSchool", 1)

    def test_no_notification_has_always_been_reached(self, recorder: TrackingRecorder) -> None:
        assert recorder.has_tracking_id("DogSchool", None)
