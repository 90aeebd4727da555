"""Errors of what is done about dead letters."""

from django_eventsourcing.errors import OperationError

__all__ = ["DeadLetterError", "NotFirstError", "NotNextError", "NotParkedError"]


class DeadLetterError(OperationError):
    """What is asked for cannot be done; the text says why, and the remedy."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}  HINT: {hint}")


class NotParkedError(DeadLetterError):
    """The follower has no such notification set aside."""


class NotFirstError(DeadLetterError):
    """An earlier notification of the same aggregate is set aside, and has to come first."""


class NotNextError(DeadLetterError):
    """The notification is not the one at which the follower has stopped."""
