"""Recording events: how a leader tells others in its process that there is something new."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from eventsourcing.persistence import Recording

__all__ = ["RecordingEvent", "RecordingEventReceiver"]


@dataclass(frozen=True)
class RecordingEvent:
    """
    Says that an application has recorded events, and that they are committed.

    It is a hint to pull, not a delivery: a receiver that misses one misses no event.
    """

    application_name: str
    """The application that recorded the events."""
    recordings: Sequence[Recording]
    """The events with their notifications, in the order of their ids."""
    previous_max_notification_id: int | None
    """The last id that this process has seen recorded before; ``None`` if there was none."""


class RecordingEventReceiver(ABC):
    """Is told of new events, in the thread that recorded them."""

    @abstractmethod
    def receive_recording_event(self, new_recording_event: RecordingEvent) -> None:
        """Take note of the new events; called after their commit."""
