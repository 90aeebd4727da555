"""Errors of the domain: wrong definitions, and events that do not belong where they are applied."""

from eventsourcing.exceptions import EventSourcingError

__all__ = ["OriginatorIDError", "OriginatorVersionError", "ProgrammingError"]


class ProgrammingError(EventSourcingError):
    """A domain class is defined, or used, in a way that cannot work."""


class OriginatorIDError(EventSourcingError):
    """An event of another aggregate is applied; the arguments are the id got and the id wanted."""


class OriginatorVersionError(EventSourcingError):
    """An event is applied out of order; the arguments are the version got and the one wanted."""
