"""What is kept: stored events, their notifications, and the positions of followers."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

__all__ = ["Notification", "Recording", "StoredEvent", "Tracking"]


@dataclass(frozen=True)
class StoredEvent:
    """A domain event in the form in which it is stored."""

    originator_id: UUID | str
    """The id of the aggregate that the event belongs to."""
    originator_version: int
    """The aggregate's version after the event; unique for one originator."""
    topic: str
    """Where the event's class is found, as ``module:Qualified.Name``."""
    state: bytes
    """The event's own values: encoded, then compressed and encrypted where that is configured."""


@dataclass(frozen=True)
class Notification(StoredEvent):
    """A stored event with its position in the application's total order."""

    id: int
    """The position: positive and increasing in the order of commits, not always without gaps."""


@dataclass(frozen=True)
class Tracking:
    """How far a follower has processed the notifications of an upstream application."""

    application_name: str
    """The upstream application's name."""
    notification_id: int
    """The id of the last notification processed."""


@dataclass(frozen=True)
class Recording:
    """A domain event that has just been recorded, with the notification that it became."""

    domain_event: Any
    notification: Notification
