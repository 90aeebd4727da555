"""The contract of seeing other processes' commits, where there can be other processes."""

from eventsourcing.conformance.base import DEADLINE, RecorderContract
from eventsourcing.conformance.subscribing import subscribed
from eventsourcing.persistence import ProcessRecorder, Tracking

__all__ = ["OtherProcessContract"]


class OtherProcessContract(RecorderContract):
    """
    What a process recorder finds by polling.

    Give a fixture ``other_recorder`` beside ``recorder``: one of the same records that knows
    nothing of the first, as if it were another process's.
    """

    def test_it_looks_for_what_others_have_committed(self, recorder: ProcessRecorder) -> None:
        assert recorder.poll_interval

    def test_a_subscription_finds_their_events(
        self, recorder: ProcessRecorder, other_recorder: ProcessRecorder
    ) -> None:
        recorder.poll_interval = 0.01

        with self.elsewhere() as start, subscribed(recorder) as subscription:
            found = start(next, subscription, None)
            ids = other_recorder.insert_events([self.stored_event()])
            notification = found.result(DEADLINE)

        assert [notification.id] == ids

    def test_events_of_several_are_all_found_in_order(
        self, recorder: ProcessRecorder, other_recorder: ProcessRecorder
    ) -> None:
        recorder.poll_interval = 0.01
        writers = [other_recorder, recorder, recorder, other_recorder, recorder]

        with subscribed(recorder) as subscription:
            ids: list[int] = []
            found: list[int] = []
            for writer in writers:
                ids += writer.insert_events([self.stored_event()]) or []
                found.append(next(subscription).id)

        assert found == ids

    def test_a_wait_ends_when_they_have_moved_the_position(
        self, recorder: ProcessRecorder, other_recorder: ProcessRecorder
    ) -> None:
        recorder.poll_interval = 0.01

        with self.elsewhere() as start:
            waiting = start(recorder.wait, "DogSchool", 7, DEADLINE)
            other_recorder.insert_tracking(Tracking("DogSchool", 7))
            waiting.result(DEADLINE)
