"""Errors of systems and their runners."""

from eventsourcing.exceptions import EventSourcingError

__all__ = ["EventProcessingError", "RunnerAlreadyStartedError"]


class RunnerAlreadyStartedError(EventSourcingError):
    """The runner is running already."""


class EventProcessingError(EventSourcingError):
    """A follower could not process an event; the policy's own error is the cause."""
