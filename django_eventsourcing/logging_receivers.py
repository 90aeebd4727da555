"""Logging receivers: what signals tell, as lines of the log."""

import logging
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from django_eventsourcing import signals

__all__: list[str] = []

logger = logging.getLogger("django_eventsourcing")


@receiver(signals.follower_paused)
def log_paused(*, follower: str, reason: str, **_: Any) -> None:
    """Say that a follower has been told to pause, and why."""
    logger.warning("%s is paused: %s", follower, reason)


@receiver(signals.follower_resumed)
def log_resumed(*, follower: str, **_: Any) -> None:
    """Say that a follower has been told to go on."""
    logger.info("%s goes on", follower)


@receiver(signals.follower_reset)
def log_reset(*, follower: str, upstream: str, before: int, to: int, reason: str, **_: Any) -> None:
    """Say that a follower has been set to another position, and why."""
    logger.warning("%s is set from %d to %d of %s: %s", follower, before, to, upstream, reason)


@receiver(signals.lease_lost)
def log_lost(*, follower: str, owner: UUID | None, **_: Any) -> None:
    """Say that another worker holds a follower, or nobody."""
    if owner is None:
        logger.warning(
            "%s is not held by this worker any more: its lease has ended, or a command had "
            "taken it",
            follower,
        )
    else:
        logger.warning("%s is held by another worker now", follower)
