"""Persistence in memory, with plain old Python objects: the default, and good for tests."""

from collections import defaultdict
from collections.abc import Sequence
from threading import RLock
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    AlreadyProcessedError,
    ApplicationRecorder,
    InfrastructureFactory,
    Notification,
    ProcessRecorder,
    RecordConflictError,
    StoredEvent,
    Tracking,
    TrackingRecorder,
    TTrackingRecorder,
)

__all__ = [
    "Factory",
    "POPOAggregateRecorder",
    "POPOApplicationRecorder",
    "POPOFactory",
    "POPOProcessRecorder",
    "POPOTrackingRecorder",
]


class POPOAggregateRecorder(AggregateRecorder):
    """Keeps the events of aggregates in memory."""

    def __init__(self) -> None:
        self._database_lock = RLock()
        self._streams: dict[UUID | str, dict[int, StoredEvent]] = defaultdict(dict)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        with self._database_lock:
            self._assert_uniqueness(stored_events)
            self._insert_stored_events(stored_events)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        with self._database_lock:
            stream = self._streams.get(originator_id, {})
            versions = sorted(stream, reverse=desc)
            selected = [
                stream[version]
                for version in versions
                if (gt is None or version > gt) and (lte is None or version <= lte)
            ]
        return selected[:limit]

    def _assert_uniqueness(self, stored_events: Sequence[StoredEvent]) -> None:
        seen: set[tuple[UUID | str, int]] = set()
        for event in stored_events:
            key = (event.originator_id, event.originator_version)
            if key in seen or event.originator_version in self._streams.get(key[0], {}):
                raise RecordConflictError(
                    f"Originator {event.originator_id} has version {event.originator_version} "
                    f"already. Get the aggregate again and repeat the command."
                )
            seen.add(key)

    def _insert_stored_events(self, stored_events: Sequence[StoredEvent]) -> None:
        for event in stored_events:
            self._streams[event.originator_id][event.originator_version] = event


class POPOApplicationRecorder(POPOAggregateRecorder, ApplicationRecorder):
    """Keeps an application's events in memory, in the order in which they were inserted."""

    def __init__(self) -> None:
        super().__init__()
        self._log: list[Notification] = []

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        with self._database_lock:
            self._assert_uniqueness(stored_events)
            ids = self._append(stored_events)
        self.announcer.announce()
        return ids

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        # Ids count from 1 without gaps, so an id less one is an index.
        first = 0 if start is None else max(start - 1 if inclusive_of_start else start, 0)
        selected: list[Notification] = []
        with self._database_lock:
            last = len(self._log) if stop is None else min(stop, len(self._log))
            for index in range(first, last):
                if len(selected) >= limit:
                    break
                if not topics or self._log[index].topic in topics:
                    selected.append(self._log[index])
        return selected

    def max_notification_id(self) -> int | None:
        return len(self._log) or None

    def _append(self, stored_events: Sequence[StoredEvent]) -> list[int]:
        self._insert_stored_events(stored_events)
        ids: list[int] = []
        for event in stored_events:
            notification = Notification(
                event.originator_id,
                event.originator_version,
                event.topic,
                event.state,
                len(self._log) + 1,
            )
            self._log.append(notification)
            ids.append(notification.id)
        return ids


class POPOTrackingRecorder(TrackingRecorder):
    """Keeps positions in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._database_lock = RLock()
        self._positions: dict[str, int] = {}

    def insert_tracking(self, tracking: Tracking) -> None:
        with self._database_lock:
            self._assert_tracking_uniqueness(tracking)
            self._insert_tracking(tracking)
        self.announcer.announce()

    def max_tracking_id(self, application_name: str) -> int | None:
        return self._positions.get(application_name)

    def _assert_tracking_uniqueness(self, tracking: Tracking) -> None:
        position = self._positions.get(tracking.application_name, 0)
        if tracking.notification_id <= position:
            raise AlreadyProcessedError(
                f"Notification {tracking.notification_id} of {tracking.application_name!r} has "
                f"been processed already: the position is {position}."
            )

    def _insert_tracking(self, tracking: Tracking) -> None:
        self._positions[tracking.application_name] = tracking.notification_id


class POPOProcessRecorder(POPOTrackingRecorder, POPOApplicationRecorder, ProcessRecorder):
    """Keeps a follower's events and positions in memory."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        tracking: Tracking | None = kwargs.get("tracking")
        with self._database_lock:
            # First the position: who comes second with a notification conflicts with the events
            # of the first as well, and is to be told that there is nothing left to do.
            if tracking is not None:
                self._assert_tracking_uniqueness(tracking)
            self._assert_uniqueness(stored_events)
            if tracking is not None:
                self._insert_tracking(tracking)
            ids = self._append(stored_events)
        self.announcer.announce()
        return ids


class POPOFactory(InfrastructureFactory):
    """Builds recorders that keep everything in memory."""

    aggregate_recorder_class: type[POPOAggregateRecorder] = POPOAggregateRecorder
    application_recorder_class: type[POPOApplicationRecorder] = POPOApplicationRecorder
    tracking_recorder_class: type[TrackingRecorder] = POPOTrackingRecorder
    process_recorder_class: type[POPOProcessRecorder] = POPOProcessRecorder

    def aggregate_recorder(self, purpose: str = "events") -> POPOAggregateRecorder:
        """Return a recorder of aggregates' ``"events"``, or of their ``"snapshots"``."""
        return self.aggregate_recorder_class()

    def application_recorder(self) -> POPOApplicationRecorder:
        """Return a recorder, of the class that ``APPLICATION_RECORDER_TOPIC`` names if it does."""
        return self.resolved(self.APPLICATION_RECORDER_TOPIC, self.application_recorder_class)()

    def construct_tracking_recorder(
        self, tracking_recorder_class: type[TTrackingRecorder]
    ) -> TTrackingRecorder:
        """Return a new recorder of the class."""
        return tracking_recorder_class()

    def process_recorder(self) -> POPOProcessRecorder:
        """Return a recorder, of the class that ``PROCESS_RECORDER_TOPIC`` names if it does."""
        return self.resolved(self.PROCESS_RECORDER_TOPIC, self.process_recorder_class)()


Factory = POPOFactory
"""An earlier name of the factory."""
