"""Errors of verifying: why something could not be looked at."""

from django_eventsourcing.errors import OperationError

__all__ = [
    "VerifyError",
    "VerifyHeldError",
    "VerifyRefusedError",
    "VerifyStoppedError",
    "VerifySynchronousError",
]


class VerifyError(OperationError):
    """Rows cannot be compared with what the events say."""


class VerifyRefusedError(VerifyError):
    """Rows of this follower cannot be made again beside those in use."""


class VerifyHeldError(VerifyError):
    """Another process is verifying the same projection."""


class VerifyStoppedError(VerifyError):
    """The process was asked to stop before all was looked at."""


class VerifySynchronousError(VerifyRefusedError):
    """The follower is synchronous: there is no position as of which to compare."""
