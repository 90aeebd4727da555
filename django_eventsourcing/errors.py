"""Errors: what the errors of all that operators do have in common."""

from eventsourcing.exceptions import EventSourcingError

__all__ = ["OperationError"]


class OperationError(EventSourcingError):
    """What an operator asks for cannot be done now; the text is one line, with the remedy."""
