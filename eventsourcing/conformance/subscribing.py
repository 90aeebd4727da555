"""The contract of subscriptions to a log; give a ``recorder`` fixture to run it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from threading import Timer
from typing import Any

import pytest

from eventsourcing.conformance.base import DEADLINE, RecorderContract
from eventsourcing.persistence import ApplicationRecorder, ProgrammingError, Subscription

__all__ = ["SubscribingContract", "subscribed"]


class SubscribingContract(RecorderContract):
    """What ``subscribe()`` of an application recorder does."""

    def test_a_subscription_yields_what_is_there_and_what_comes(
        self, recorder: ApplicationRecorder
    ) -> None:
        # Nothing but an announcement makes it look again.
        recorder.poll_interval = None
        ids = list(recorder.insert_events([self.stored_event(), self.stored_event()]) or [])

        with subscribed(recorder) as subscription, self.elsewhere() as start:
            old = [next(subscription).id, next(subscription).id]
            ids += start(recorder.insert_events, [self.stored_event()]).result(DEADLINE)
            new = next(subscription).id

        assert [*old, new] == ids

    def test_a_subscription_that_waits_is_woken_by_a_commit(
        self, recorder: ApplicationRecorder
    ) -> None:
        recorder.poll_interval = None
        event = self.stored_event()

        with self.elsewhere() as start, subscribed(recorder) as subscription:
            found = start(next, subscription, None)
            recorder.insert_events([event])
            notification = found.result(DEADLINE)

        assert notification.originator_id == event.originator_id

    def test_a_subscription_begins_after_a_position(self, recorder: ApplicationRecorder) -> None:
        ids = recorder.insert_events([self.stored_event() for _ in range(3)])

        assert ids
        with subscribed(recorder, gt=ids[0]) as subscription:
            assert [next(subscription).id, next(subscription).id] == list(ids[1:])

    def test_a_subscription_to_topics_passes_the_others_over(
        self, recorder: ApplicationRecorder
    ) -> None:
        topics = ["school:A", "school:B", "school:A", "school:C"]
        ids = recorder.insert_events([self.stored_event(topic=topic) for topic in topics])

        assert ids
        with subscribed(recorder, topics=["school:B", "school:C"]) as subscription:
            assert [next(subscription).id, next(subscription).id] == [ids[1], ids[3]]

    def test_a_subscription_to_topics_moves_past_the_others(
        self, recorder: ApplicationRecorder
    ) -> None:
        ids = recorder.insert_events([self.stored_event(), self.stored_event()])

        assert ids
        with subscribed(recorder, topics=["school:C"]) as subscription:
            assert subscription.advance() is None
            assert subscription.position == ids[-1]

    def test_a_subscription_ends_when_another_thread_stops_it(
        self, recorder: ApplicationRecorder
    ) -> None:
        recorder.poll_interval = None

        with self.elsewhere() as start, subscribed(recorder) as subscription:
            found = start(list, subscription)
            subscription.stop()
            assert found.result(DEADLINE) == []

    def test_a_subscription_ends_with_its_block(self, recorder: ApplicationRecorder) -> None:
        recorder.insert_events([self.stored_event()])
        with subscribed(recorder) as subscription:
            pass

        with pytest.raises(StopIteration):
            next(subscription)

    def test_a_subscription_is_entered_once(self, recorder: ApplicationRecorder) -> None:
        with subscribed(recorder) as subscription, pytest.raises(ProgrammingError, match="again"):
            subscription.__enter__()

        with pytest.raises(ProgrammingError, match="again"):
            subscription.__enter__()

    def test_a_subscription_is_not_left_without_being_entered(
        self, recorder: ApplicationRecorder
    ) -> None:
        with pytest.raises(ProgrammingError, match="has not been entered"):
            recorder.subscribe().__exit__()

    def test_subscriptions_do_not_take_notifications_from_each_other(
        self, recorder: ApplicationRecorder
    ) -> None:
        ids = recorder.insert_events([self.stored_event(), self.stored_event()])

        with subscribed(recorder) as one, subscribed(recorder) as two:
            found = [[next(each).id, next(each).id] for each in (one, two)]

        assert ids
        assert found == [list(ids), list(ids)]

    def test_a_subscription_misses_nothing_of_what_is_written_meanwhile(
        self, recorder: ApplicationRecorder
    ) -> None:
        count = 60

        def write() -> list[int]:
            return [
                id_
                for _ in range(count)
                for id_ in recorder.insert_events([self.stored_event()]) or []
            ]

        with self.elsewhere() as start:
            written = start(write)
            with subscribed(recorder) as subscription:
                found = [notification.id for notification in islice(subscription, count)]

        assert found == written.result()


@contextmanager
def subscribed(recorder: ApplicationRecorder, **kwargs: Any) -> Iterator[Subscription]:
    """Subscribe for the block; what never comes ends the subscription after the deadline."""
    subscription = recorder.subscribe(**kwargs)
    guard = Timer(DEADLINE, subscription.stop)
    guard.start()
    try:
        with subscription:
            yield subscription
    finally:
        guard.cancel()
