"""Errors of waits."""

from eventsourcing.application import ProgrammingError

__all__ = ["NotCommittedError"]


class NotCommittedError(ProgrammingError):
    """What is waited for cannot come: it needs the commit of the transaction that waits."""
