"""What a projection is given of an event, where it takes many at once."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from django_eventsourcing.metadata import Handling, Metadata, ProcessedEvent
from eventsourcing.persistence import Notification, Tracking

__all__ = ["ProjectedEvent"]


@dataclass(frozen=True)
class ProjectedEvent:
    """An event that a projection is to take in, with the notification that brings it."""

    domain_event: Any
    tracking: Tracking
    """The upstream application's name, and the id of the notification."""
    metadata: Metadata = field(default_factory=dict)
    """What was recorded with the event."""
    recorded_at: datetime | None = None
    """``None`` where the upstream application does not keep it."""

    @classmethod
    def of(cls, domain_event: Any, tracking: Tracking, notification: Notification) -> Self:
        """Return the event with what its notification says besides."""
        seen = ProcessedEvent.of(tracking.application_name, notification)
        return cls(domain_event, tracking, seen.metadata, seen.recorded_at)

    def handling(self) -> Handling:
        """Return a context in which ``processed_event()`` is this one."""
        return Handling.of(
            ProcessedEvent(
                application_name=self.tracking.application_name,
                notification_id=self.tracking.notification_id,
                metadata=self.metadata,
                recorded_at=self.recorded_at,
            )
        )
