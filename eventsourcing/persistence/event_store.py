"""The event store: domain events in, domain events out."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence.mapper import Mapper
from eventsourcing.persistence.recorders import AggregateRecorder
from eventsourcing.persistence.records import Notification, Recording, StoredEvent

__all__ = ["EventStore"]


class EventStore:
    """Keeps domain events by way of a mapper and a recorder."""

    def __init__(self, mapper: Mapper, recorder: AggregateRecorder) -> None:
        self.mapper = mapper
        self.recorder = recorder

    def put(self, domain_events: Sequence[Any], **kwargs: Any) -> list[Recording]:
        """
        Record all the events in one transaction, in the order given.

        Return a recording for each, or an empty list if the recorder gives out no notification
        ids. Keyword arguments travel to the recorder. Raise ``PayloadTooLargeError`` or
        ``NestingTooDeepError``, and record nothing, if one of them goes beyond the limits.
        """
        stored_events = [self.mapper.to_stored_event(event) for event in domain_events]
        for stored_event in stored_events:
            # A mapper of a project's own may make them without regard to the limits.
            self.mapper.require_size(stored_event)
        ids = self.recorder.insert_events(stored_events, **kwargs)
        if ids is None:
            return []
        return [
            Recording(event, _notification(stored_event, notification_id))
            for event, stored_event, notification_id in zip(
                domain_events, stored_events, ids, strict=True
            )
        ]

    def get(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Iterator[Any]:
        """Yield one originator's events in the order of their versions, or backwards."""
        stored_events = self.recorder.select_events(
            originator_id, gt=gt, lte=lte, desc=desc, limit=limit
        )
        return map(self.mapper.to_domain_event, stored_events)


def _notification(stored_event: StoredEvent, notification_id: int) -> Notification:
    return Notification(
        stored_event.originator_id,
        stored_event.originator_version,
        stored_event.topic,
        stored_event.state,
        notification_id,
    )
