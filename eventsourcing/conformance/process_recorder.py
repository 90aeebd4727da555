"""The contract of process recorders; give a ``recorder`` fixture to run it."""

import pytest

from eventsourcing.conformance.application_recorder import ApplicationRecorderContract, selected
from eventsourcing.conformance.tracking_recorder import TrackingRecorderContract
from eventsourcing.persistence import (
    AlreadyProcessedError,
    IntegrityError,
    ProcessRecorder,
    RecordConflictError,
    Tracking,
)

__all__ = ["ProcessRecorderContract"]


class ProcessRecorderContract(ApplicationRecorderContract, TrackingRecorderContract):
    """What a recorder of a follower does: its events and its positions, kept together."""

    def test_events_and_position_are_written_together(self, recorder: ProcessRecorder) -> None:
        event = self.stored_event()

        ids = recorder.insert_events([event], tracking=Tracking("DogSchool", 21))

        assert ids
        assert selected(recorder, None, 10) == list(ids)
        assert recorder.max_tracking_id("DogSchool") == 21

    def test_a_position_can_move_without_events(self, recorder: ProcessRecorder) -> None:
        recorder.insert_events([], tracking=Tracking("DogSchool", 21))

        assert recorder.max_tracking_id("DogSchool") == 21

    def test_a_refused_position_keeps_the_events_out(self, recorder: ProcessRecorder) -> None:
        recorder.insert_tracking(Tracking("DogSchool", 21))

        with pytest.raises(IntegrityError, match="otification 21 of .*DogSchool"):
            recorder.insert_events([self.stored_event()], tracking=Tracking("DogSchool", 21))

        assert recorder.max_notification_id() is None

    def test_what_is_processed_already_is_told_before_a_taken_version(
        self, recorder: ProcessRecorder
    ) -> None:
        event, tracking = self.stored_event(), Tracking("DogSchool", 21)
        recorder.insert_events([event], tracking=tracking)

        with pytest.raises(AlreadyProcessedError):
            recorder.insert_events([event], tracking=tracking)

    def test_refused_events_leave_the_position(self, recorder: ProcessRecorder) -> None:
        event = self.stored_event()
        recorder.insert_events([event], tracking=Tracking("DogSchool", 21))

        with pytest.raises(RecordConflictError):
            recorder.insert_events([event], tracking=Tracking("DogSchool", 22))

        assert recorder.max_tracking_id("DogSchool") == 21

    def test_refused_events_leave_no_first_position(self, recorder: ProcessRecorder) -> None:
        event = self.stored_event()
        recorder.insert_events([event])

        with pytest.raises(RecordConflictError):
            recorder.insert_events([event], tracking=Tracking("DogSchool", 1))

        assert recorder.max_tracking_id("DogSchool") is None

    def test_many_notifications_in_one_unit_of_work(self, recorder: ProcessRecorder) -> None:
        with recorder.processing(Tracking("DogSchool", 21)):
            for notification_id in (21, 22, 25):
                recorder.insert_events(
                    [self.stored_event()], tracking=Tracking("DogSchool", notification_id)
                )

        assert recorder.max_tracking_id("DogSchool") == 25
        assert len(selected(recorder, None, 10)) == 3

    def test_what_the_policy_raises_leaves_the_unit_of_work(
        self, recorder: ProcessRecorder
    ) -> None:
        error = ValueError("the policy's own")

        with pytest.raises(ValueError) as raised, recorder.processing(Tracking("DogSchool", 21)):
            raise error

        assert raised.value is error
        assert recorder.max_tracking_id("DogSchool") is None
