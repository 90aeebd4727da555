"""Recorders: where stored events and positions are kept, and read back in order."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from eventsourcing.persistence.records import Notification, StoredEvent, Tracking

__all__ = ["AggregateRecorder", "ApplicationRecorder", "ProcessRecorder", "TrackingRecorder"]


class AggregateRecorder(ABC):
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

    def on_commit(self, callback: Callable[[], None]) -> None:
        """
        Call back once what the calling thread has written is committed.

        That is at once unless a transaction is open; never, if that transaction is rolled back.
        """
        callback()


class ApplicationRecorder(AggregateRecorder):
    """Keeps the events of an application in one total order, as notifications."""

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
        """

    @abstractmethod
    def max_notification_id(self) -> int | None:
        """Return the id of the last notification, or ``None`` if there is none."""


class TrackingRecorder(ABC):
    """Keeps a follower's positions, one for each upstream application."""

    @abstractmethod
    def insert_tracking(self, tracking: Tracking) -> None:
        """
        Move the position forward.

        Raise ``IntegrityError`` if the position is there already, or further: the notification
        has been processed.
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


class ProcessRecorder(TrackingRecorder, ApplicationRecorder):
    """Keeps a follower's own events and its positions, both in one transaction."""

    @abstractmethod
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """
        Write all the events and, where ``tracking`` is given, the position: all or nothing.

        An empty list of events with ``tracking`` moves the position alone. Raise
        ``IntegrityError`` if a version is taken or the position does not move forward.
        """

    def processing(self, tracking: Tracking) -> AbstractContextManager[None]:
        """
        Return the unit of work in which notifications are processed, ``tracking`` the first.

        Whatever is written to the same database within commits together, or not at all.
        Entering it claims the position: another worker that tries the same waits, or is
        refused by ``IntegrityError`` once the notification has been processed. Recorders
        without transactions need none: their ``insert_events`` is atomic by itself.
        """
        del tracking
        return nullcontext()
