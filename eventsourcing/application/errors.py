"""Errors of applications."""

from eventsourcing.exceptions import EventSourcingError

__all__ = ["AggregateNotFoundError", "ProgrammingError"]


class AggregateNotFoundError(EventSourcingError):
    """The application has recorded no such aggregate, or none at that version."""


class ProgrammingError(Exception):
    """An application is used, or put together, in a way that cannot work."""
