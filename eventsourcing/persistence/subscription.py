"""Subscriptions: the notifications of a log as an endless iterator, old ones first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

from eventsourcing.persistence.errors import ProgrammingError

if TYPE_CHECKING:
    from eventsourcing.persistence.recorders import ApplicationRecorder
    from eventsourcing.persistence.records import Notification

__all__ = ["Subscription"]


class Subscription(Iterator["Notification"]):
    """
    Yields the notifications after a position, and waits for new ones when there are no more.

    Use it as a context manager. ``stop()``, from any thread, ends the iteration.
    """

    batch_size = 100
    """The number of notifications read at a time."""

    def __init__(
        self,
        recorder: ApplicationRecorder,
        gt: int | None = None,
        topics: Sequence[str] = (),
    ) -> None:
        self.recorder = recorder
        self.topics = topics
        self.position = gt
        """The id up to which there is nothing left to yield, whatever the topics."""
        self._batch: deque[Notification] = deque()
        self._has_been_entered = False
        self._is_entered = False
        self._is_stopped = False

    def __enter__(self) -> Self:
        if self._has_been_entered:
            raise ProgrammingError(
                "This subscription has been entered before. Subscribe again for another one."
            )
        self._has_been_entered = self._is_entered = True
        return self

    def __exit__(self, *args: object) -> None:
        if not self._is_entered:
            raise ProgrammingError("This subscription has not been entered.")
        self._is_entered = False
        self.stop()

    def stop(self) -> None:
        """End the iteration; a thread that waits for the next notification ends waiting."""
        self._is_stopped = True
        self.recorder.announcer.announce()

    def __next__(self) -> Notification:
        while (notification := self.advance()) is None:
            continue
        return notification

    def advance(self) -> Notification | None:
        """
        Return the next notification, or ``None`` when the position has passed others than those
        asked for.

        Raise ``StopIteration`` once the subscription is stopped.
        """
        while not self._is_stopped:
            if self._batch:
                notification = self._batch.popleft()
                self.position = notification.id
                return notification
            mark = self.recorder.announcer.mark()
            self.recorder.renew()
            # The head is read first: whatever is below it is seen by the reading that follows.
            head = self._settled_id() if self.topics else None
            self._batch.extend(
                self.recorder.select_notifications(
                    self.position, self.batch_size, topics=self.topics, inclusive_of_start=False
                )
            )
            if self._batch:
                continue
            if head is not None and head > (self.position or 0):
                self.position = head
                return None
            self.recorder.announcer.wait(mark, self.recorder.poll_interval)
        raise StopIteration

    def _settled_id(self) -> int | None:
        return self.recorder.settled_notification_id(self.position)
