"""Errors of rebuilds; what can be gone on with stays as it is."""

from django_eventsourcing.errors import OperationError

__all__ = [
    "RebuildError",
    "RebuildHeldError",
    "RebuildRefusedError",
    "RebuildStoppedError",
]


class RebuildError(OperationError):
    """Rows cannot be made again now; run again, a rebuild that was begun goes on."""


class RebuildRefusedError(RebuildError):
    """To make the rows again would lose or double something; nothing has changed."""


class RebuildHeldError(RebuildError):
    """Another process is rebuilding the same projection."""


class RebuildStoppedError(RebuildError):
    """The projection has failed at a notification; what is before it is done."""
