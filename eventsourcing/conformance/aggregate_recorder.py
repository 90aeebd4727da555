"""The contract of aggregate recorders; give a ``recorder`` fixture to run it."""

from typing import Any

import pytest

from eventsourcing.conformance.base import RecorderContract
from eventsourcing.persistence import AggregateRecorder, RecordConflictError

__all__ = ["AggregateRecorderContract"]


class AggregateRecorderContract(RecorderContract):
    """What a recorder of aggregates' events, or of their snapshots, does."""

    def test_an_event_comes_back_as_it_was_written(self, recorder: AggregateRecorder) -> None:
        event = self.stored_event(version=2**40, topic="school:Dög.Ähm", state=b"\x00\xff{}'\"%s")

        recorder.insert_events([event])

        assert list(recorder.select_events(event.originator_id)) == [event]

    def test_an_originator_without_events_has_none(self, recorder: AggregateRecorder) -> None:
        recorder.insert_events([self.stored_event()])

        assert list(recorder.select_events(self.new_id())) == []

    def test_writing_nothing_is_allowed(self, recorder: AggregateRecorder) -> None:
        assert not recorder.insert_events([])

    def test_originators_have_versions_of_their_own(self, recorder: AggregateRecorder) -> None:
        first, second = self.stored_event(version=1), self.stored_event(version=1)

        recorder.insert_events([first, second])

        assert list(recorder.select_events(first.originator_id)) == [first]
        assert list(recorder.select_events(second.originator_id)) == [second]

    def test_events_come_in_the_order_of_versions(self, recorder: AggregateRecorder) -> None:
        events = self.stream(2, 1, 3)

        recorder.insert_events(events)

        found = recorder.select_events(events[0].originator_id)
        assert [event.originator_version for event in found] == [1, 2, 3]

    @pytest.mark.parametrize(
        ("selection", "versions"),
        [
            ({}, [1, 2, 3, 4, 5]),
            ({"gt": 2}, [3, 4, 5]),
            ({"gt": 0}, [1, 2, 3, 4, 5]),
            ({"lte": 2}, [1, 2]),
            ({"gt": 1, "lte": 4}, [2, 3, 4]),
            ({"gt": 5}, []),
            ({"limit": 2}, [1, 2]),
            ({"desc": True}, [5, 4, 3, 2, 1]),
            ({"desc": True, "limit": 1, "lte": 3}, [3]),
            ({"limit": 0}, []),
        ],
    )
    def test_a_selection(
        self, recorder: AggregateRecorder, selection: dict[str, Any], versions: list[int]
    ) -> None:
        events = self.stream(1, 2, 3, 4, 5)
        recorder.insert_events(events)

        found = recorder.select_events(events[0].originator_id, **selection)

        assert [event.originator_version for event in found] == versions

    def test_a_version_that_is_taken_is_refused(self, recorder: AggregateRecorder) -> None:
        event = self.stored_event(version=3)
        recorder.insert_events([event])

        with pytest.raises(RecordConflictError) as raised:
            recorder.insert_events([self.stored_event(event.originator_id, 3, "school:Other")])

        assert str(event.originator_id) in str(raised.value)
        assert "version 3" in str(raised.value)
        assert list(recorder.select_events(event.originator_id)) == [event]

    def test_a_version_twice_in_one_write_is_refused(self, recorder: AggregateRecorder) -> None:
        event = self.stored_event(version=3)

        with pytest.raises(RecordConflictError, match="version 3"):
            recorder.insert_events([event, event])

        assert list(recorder.select_events(event.originator_id)) == []

    def test_a_refused_write_leaves_nothing(self, recorder: AggregateRecorder) -> None:
        taken = self.stored_event()
        recorder.insert_events([taken])
        fresh = self.stored_event()

        with pytest.raises(RecordConflictError):
            recorder.insert_events([fresh, taken])

        assert list(recorder.select_events(fresh.originator_id)) == []

    def test_keyword_arguments_of_others_are_ignored(self, recorder: AggregateRecorder) -> None:
        event = self.stored_event()

        recorder.insert_events([event], searchable_content="Fido")

        assert list(recorder.select_events(event.originator_id)) == [event]

    def test_many_events_are_written_at_once(self, recorder: AggregateRecorder) -> None:
        events = self.stream(*range(1, 1001))

        recorder.insert_events(events)

        assert list(recorder.select_events(events[0].originator_id)) == events

    def test_a_callback_is_called_at_once_without_a_transaction(
        self, recorder: AggregateRecorder
    ) -> None:
        called: list[bool] = []

        recorder.on_commit(lambda: called.append(True))

        assert called
