"""The root of the errors that this library raises; each room adds its own below it."""

__all__ = ["EventSourcingError"]


class EventSourcingError(Exception):
    """Base class of the library's own errors."""
