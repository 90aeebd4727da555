"""Operating: what people tell followers to do, kept where the workers look."""

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from django_eventsourcing.announcements import tell_of
from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.signals import follower_paused, follower_resumed

__all__ = ["CIRCUIT_OPEN", "pause", "request_retry", "resume"]

CIRCUIT_OPEN = "circuit open"
"""How the reason begins for which a worker, rather than a person, has paused a follower."""


def pause(system: ConfiguredSystem, follower: str, reason: str) -> None:
    """Let the follower stop after the batch in hand, on whichever host it runs, until resumed."""
    alias = system.database_of(follower)
    with transaction.atomic(using=alias):
        _update(
            alias,
            follower,
            desired_state=FollowerRecord.DesiredState.PAUSED,
            desired_reason=reason,
        )
        _tell_after_commit(alias, follower, follower_paused, reason=reason)


def resume(system: ConfiguredSystem, follower: str) -> None:
    """Let the follower go on; one that has stopped at a failure tries again at once."""
    alias = system.database_of(follower)
    with transaction.atomic(using=alias):
        _update(
            alias,
            follower,
            desired_state=FollowerRecord.DesiredState.RUNNING,
            desired_reason="",
            retry_requested_at=DatabaseNow(),
        )
        _tell_after_commit(alias, follower, follower_resumed)


def request_retry(system: ConfiguredSystem, follower: str) -> None:
    """Let the follower try again at once what has failed, on whichever host it runs."""
    alias = system.database_of(follower)
    with transaction.atomic(using=alias):
        _update(alias, follower, retry_requested_at=DatabaseNow())


def _tell_after_commit(alias: str, follower: str, signal: Signal, **values: Any) -> None:
    transaction.on_commit(partial(tell_of, follower, signal, **values), using=alias, robust=True)


def _update(alias: str, follower: str, **values: Any) -> None:
    records = FollowerRecord.objects.using(alias)
    mine = records.filter(application_name=follower)
    values["updated_at"] = DatabaseNow()
    if not mine.update(**values):
        # No worker has run it yet; one may be about to, so whoever comes second updates.
        records.get_or_create(application_name=follower)
        mine.update(**values)
