"""The contract of application recorders; give a ``recorder`` fixture to run it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pytest

from eventsourcing.conformance.aggregate_recorder import AggregateRecorderContract
from eventsourcing.conformance.subscribing import SubscribingContract
from eventsourcing.persistence import ApplicationRecorder, Notification, RecordConflictError

__all__ = ["ApplicationRecorderContract", "selected"]


class ApplicationRecorderContract(AggregateRecorderContract, SubscribingContract):
    """What a recorder of an application's events does, subscriptions included."""

    def test_an_empty_log(self, recorder: ApplicationRecorder) -> None:
        assert recorder.max_notification_id() is None
        assert list(recorder.select_notifications(None, 10)) == []

    def test_ids_come_back_in_the_order_of_the_events(self, recorder: ApplicationRecorder) -> None:
        events = self.stream(3, 1, 2)

        ids = recorder.insert_events(events)

        assert ids is not None
        assert list(ids) == sorted(set(ids))
        notifications = recorder.select_notifications(None, 10)
        assert [notification.id for notification in notifications] == list(ids)
        assert [notification.originator_version for notification in notifications] == [3, 1, 2]

    def test_a_notification_is_the_event_with_its_id(self, recorder: ApplicationRecorder) -> None:
        event = self.stored_event(state=b"\x00\xff")

        ids = recorder.insert_events([event])

        assert ids
        expected = Notification(id=ids[0], **asdict(event))
        assert list(recorder.select_notifications(None, 10)) == [expected]

    def test_ids_increase_from_write_to_write(self, recorder: ApplicationRecorder) -> None:
        ids = [*self.written(recorder, 2), *self.written(recorder, 1), *self.written(recorder, 3)]

        assert ids == sorted(set(ids))
        assert recorder.max_notification_id() == ids[-1]

    def test_the_start_is_included_or_not(self, recorder: ApplicationRecorder) -> None:
        ids = self.written(recorder, 4)

        assert selected(recorder, ids[1], 10) == ids[1:]
        assert selected(recorder, ids[1], 10, inclusive_of_start=False) == ids[2:]
        assert selected(recorder, ids[-1], 10, inclusive_of_start=False) == []
        assert selected(recorder, 0, 10) == ids
        assert selected(recorder, 0, 10, inclusive_of_start=False) == ids

    def test_the_limit_and_the_stop(self, recorder: ApplicationRecorder) -> None:
        ids = self.written(recorder, 5)

        assert selected(recorder, None, 2) == ids[:2]
        assert selected(recorder, None, 0) == []
        assert selected(recorder, None, 10, ids[2]) == ids[:3]
        assert selected(recorder, ids[1], 10, stop=ids[2]) == ids[1:3]
        assert selected(recorder, ids[3], 10, stop=ids[1]) == []

    def test_topics_pass_the_others_over(self, recorder: ApplicationRecorder) -> None:
        topics = ["a", "b", "A", "a ", "b", "c"]
        ids = recorder.insert_events([self.stored_event(topic=topic) for topic in topics])

        assert ids is not None
        assert selected(recorder, None, 10, topics=["a"]) == [ids[0]]
        assert selected(recorder, None, 10, topics=["b", "c"]) == [ids[1], ids[4], ids[5]]
        assert selected(recorder, None, 2, topics=["b", "c"]) == [ids[1], ids[4]]
        assert selected(recorder, None, 10, topics=["d"]) == []
        assert selected(recorder, None, 10, topics=[]) == list(ids)

    def test_a_refused_write_is_not_in_the_log(self, recorder: ApplicationRecorder) -> None:
        event = self.stored_event()
        ids = recorder.insert_events([event])

        with pytest.raises(RecordConflictError):
            recorder.insert_events([self.stored_event(), event])

        assert ids
        assert selected(recorder, None, 10) == list(ids)
        assert recorder.max_notification_id() == ids[0]

    def written(self, recorder: ApplicationRecorder, count: int) -> Sequence[int]:
        """Write so many events and return their ids."""
        return list(recorder.insert_events([self.stored_event() for _ in range(count)]) or [])


def selected(recorder: ApplicationRecorder, *args: Any, **kwargs: Any) -> list[int]:
    """Return the ids of the selected notifications."""
    return [notification.id for notification in recorder.select_notifications(*args, **kwargs)]
