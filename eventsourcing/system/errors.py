"""Errors of systems and their runners."""

from eventsourcing.exceptions import EventSourcingError

__all__ = [
    "EventProcessingError",
    "NotificationConvertingError",
    "NotificationPullingError",
    "RunnerAlreadyStartedError",
]


class RunnerAlreadyStartedError(EventSourcingError):
    """The runner is running already."""


class EventProcessingError(EventSourcingError):
    """A follower could not process an event; the policy's own error is the cause."""


class NotificationPullingError(EventProcessingError):
    """An upstream log could not be read; the recorder's own error is the cause."""


class NotificationConvertingError(EventProcessingError):
    """A notification could not be turned into an event; the mapper's own error is the cause."""
