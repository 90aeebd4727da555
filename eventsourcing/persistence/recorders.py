"""Recorders: where stored events and positions are kept, and read back in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

from eventsourcing.persistence.announcer import Announcer
from eventsourcing.persistence.errors import AlreadyProcessedError, WaitInterruptedError
from eventsourcing.persistence.subscription import Subscription

if TYPE_CHECKING:
    from uuid import UUID

    from eventsourcing.persistence.records import Notification, StoredEvent, Tracking

_INTERRUPT_INTERVAL = 0.05

__all__ = [
    "AggregateRecorder",
    "ApplicationRecorder",
    "ProcessRecorder",
    "Recorder",
    "TrackingRecorder",
]


class Recorder:
    """What all recorders have in common: commits, and waiting for them."""

    poll_interval: float | None = None
    """
    Seconds between two looks for what other processes have committed.

    ``None`` where there are no other processes: a wait ends by announcement alone.
    """

    @property
    def announcer(self) -> Announcer:
        """Announces, in this process, what the recorder has committed."""
        # Made when first asked for, so that recorders need not call an initialiser. The method
        # of the dictionary is atomic: two threads get the same one.
        found: Announcer | None = vars(self).get("_announcer")
        return found or vars(self).setdefault("_announcer", Announcer())

    def on_commit(self, callback: Callable[[], None]) -> None:
        """
        Call back once what the calling thread has written is committed.

        That is at once unless a transaction is open; never, if that transaction is rolled back.
        """
        callback()

    def attempt(self) -> AbstractContextManager[None]:
        """
        Return a context in which an error of the database leaves an open transaction usable.

        What was written within is undone by an error, which goes on as it is.
        """
        return nullcontext()

    def holds_locks(self) -> bool:
        """
        Tell whether the calling thread may hold what others wait for in a database.

        That is so while a transaction is open. Such a thread is to wait for others in the database
        alone, which sees when two wait for each other.
        """
        return False

    def renew(self) -> None:
        """
        Give back what the calling thread holds and cannot rely on, such as an old connection.

        Called before each look of a subscription, which may come long after the one before.
        """


class AggregateRecorder(Recorder, ABC):
    """Keeps the events of aggregates."""

    @abstractmethod
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """
        Write all the events, or none of them.

        Return the notification ids in the order of the events, or ``None`` where the recorder
        gives out none. Raise ``IntegrityError`` if one of the originator versions is taken.
        Keyword arguments are the caller's own: a recorder ignores those that it does not know.
        """

    @abstractmethod
    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return one originator's events in the order of their versions, or backwards."""


class ApplicationRecorder(AggregateRecorder):
    """
    Keeps the events of an application in one total order, as notifications.

    An implementation announces each commit of new events by its ``announcer``.
    """

    page_max_bytes: int | None = None
    """
    Bytes of state with which a list of notifications ends, though its limit is not reached.

    ``None`` where only the limit ends it.
    """

    @abstractmethod
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """
        Return at most ``limit`` notifications in the order of their ids.

        ``start`` and ``stop`` are ids, ``stop`` included; ``start=None`` begins at the beginning.
        With ``topics``, other notifications are passed over. Once a notification has been
        returned, none with a lower id appears later: ids become visible in increasing order.
        There may be more after fewer than ``limit``, see ``is_full()``; after none there are none.
        """

    @abstractmethod
    def max_notification_id(self) -> int | None:
        """Return the id of the last notification, or ``None`` if there is none."""

    def is_full(self, notifications: Sequence[Notification], limit: int) -> bool:
        """Tell whether the limit, or else their bytes, may have kept more from being returned."""
        return len(notifications) >= limit or (
            self.page_max_bytes is not None
            and sum(len(notification.state) for notification in notifications)
            >= self.page_max_bytes
        )

    def settled_notification_id(self, after: int | None = None) -> int | None:
        """
        Return the id of a notification below which none appears any more, the last such one.

        It is asked by a reader that has come to ``after``, before it reads: what it has not read
        up to that id by then, it need not wait for. By default, that is the last notification.
        """
        del after
        return self.max_notification_id()

    def require_committed(self, follower: str, recorder: Recorder) -> None:
        """
        Raise an error where the named follower, whose recorder is given, must not process now.

        That is so if the calling thread reads here what may be rolled back, while the follower's
        recorder commits by itself: it would have processed what has never happened.
        """
        del follower, recorder

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription:
        """
        Return an iterator over the notifications after the id ``gt``, present and future.

        With ``topics``, other notifications are passed over.
        """
        return Subscription(self, gt=gt, topics=topics)


class TrackingRecorder(Recorder, ABC):
    """
    Keeps a follower's positions, one for each upstream application.

    An implementation announces each commit of a position by its ``announcer``.
    """

    @abstractmethod
    def insert_tracking(self, tracking: Tracking) -> None:
        """
        Move the position forward.

        Raise ``AlreadyProcessedError`` if the position is there already, or further.
        """

    @abstractmethod
    def max_tracking_id(self, application_name: str) -> int | None:
        """Return the position in the named upstream application, or ``None`` before the first."""

    def has_tracking_id(self, application_name: str, notification_id: int | None) -> bool:
        """Tell whether the position has reached the notification; ``None`` is always reached."""
        if notification_id is None:
            return True
        position = self.max_tracking_id(application_name)
        return position is not None and position >= notification_id

    def pass_over(self, tracking: Tracking) -> None:
        """Move the position past notifications that need no processing, unless it is past them."""
        if not self.has_tracking_id(tracking.application_name, tracking.notification_id):
            try:
                self.insert_tracking(tracking)
            except AlreadyProcessedError:
                # Somebody else has moved it, further perhaps.
                return

    def handling(
        self, application_name: str, notification: Notification
    ) -> AbstractContextManager[None]:
        """
        Return the context in which one notification of the named application is processed.

        A recorder may keep with the events that are recorded within what they follow from.
        """
        del application_name, notification
        return nullcontext()

    def wait(
        self,
        application_name: str,
        notification_id: int | None,
        timeout: float = 1.0,
        interrupt: Event | None = None,
    ) -> None:
        """
        Wait until the position in the named upstream application has reached the notification.

        Raise ``TimeoutError`` if it has not within the time-out, in seconds, and
        ``WaitInterruptedError`` if ``interrupt`` is set first.
        """
        deadline = monotonic() + timeout
        while True:
            mark = self.announcer.mark()
            if self.has_tracking_id(application_name, notification_id):
                return
            if interrupt is not None and interrupt.is_set():
                raise WaitInterruptedError(
                    f"The wait for notification {notification_id} of {application_name!r} was "
                    f"interrupted."
                )
            left = deadline - monotonic()
            if left <= 0:
                raise TimeoutError(
                    f"Notification {notification_id} of {application_name!r} was not processed "
                    f"within {timeout:g} s: the position is "
                    f"{self.max_tracking_id(application_name)}."
                )
            # Nothing announces that the interrupt is set.
            longest = _INTERRUPT_INTERVAL if interrupt is not None else left
            self.announcer.wait(mark, min(left, longest, self.poll_interval or left))


class ProcessRecorder(TrackingRecorder, ApplicationRecorder):
    """Keeps a follower's own events and its positions, both in one transaction."""

    def context(self) -> Any:
        """
        Return what is kept with events that are recorded now, whatever that is to the recorder.

        Where events are recorded later, ``insert_events()`` is given this for each of them, as
        ``contexts``.
        """
        return None

    @abstractmethod
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """
        Write all the events and, where ``tracking`` is given, the position: all or nothing.

        An empty list of events with ``tracking`` moves the position alone. Raise
        ``IntegrityError`` if a version is taken, and ``AlreadyProcessedError`` if the position does
        not move forward.
        """

    def processing(
        self, tracking: Tracking, *, after: int | None = None, last: int | None = None
    ) -> AbstractContextManager[None]:
        """
        Return the unit of work in which notifications are processed, ``tracking`` the first.

        Whatever is written to the same database within commits together, or not at all.
        Entering it claims the position: another worker that tries the same waits. Raise
        ``AlreadyProcessedError`` unless the position is ``after``, as it was when the notifications
        were read (0 before the first), or merely behind them if that is not given. ``last`` is the
        id of the last one in hand. Recorders
        without transactions need none of this: their ``insert_events`` is atomic by itself.
        """
        del tracking, after, last
        return nullcontext()

    def gathering(
        self, before_read: Callable[[UUID | str], bool], flush: Callable[[], bool]
    ) -> AbstractContextManager[bool]:
        """
        Return a context that says whether events may be kept back within, until its end.

        A recorder that allows of it, in a unit of work, calls ``before_read()`` before it reads
        the events of an originator, and ``flush()`` before it reads or writes any others. Both
        return whether events have been recorded by that. By default, they are recorded one
        notification after the other.
        """
        del before_read, flush
        return nullcontext(False)  # noqa: FBT003
