"""Retrying: dead letters processed after all, each aggregate's in their order."""

from asyncio import CancelledError
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Min, QuerySet

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.dead_letters.errors import NotFirstError, NotParkedError
from django_eventsourcing.dead_letters.letters import (
    follower_of,
    notification_of,
    parked,
    recorder_of,
    waiting_of,
)
from django_eventsourcing.models import DeadLetterRecord
from django_eventsourcing.problems import described, storable, trace_of
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.outages import is_outage
from eventsourcing.persistence import Tracking

__all__ = ["Retried", "retry"]


@dataclass(frozen=True, kw_only=True)
class Retried:
    """A dead letter that has been tried again."""

    upstream_name: str
    notification_id: int
    originator_id: str
    topic: str
    error: str = ""
    """Why it is parked as before; empty if it has been processed."""


def retry(
    system: ConfiguredSystem,
    follower: str,
    *,
    notification_id: int | None = None,
    originator_id: str | None = None,
    upstream_name: str | None = None,
    by: str = "",
) -> Iterator[Retried]:
    """
    Process what the follower has parked: one notification, those of one aggregate, or all.

    An aggregate's are processed in their order, each in a transaction of its own, up to the first
    that fails; other aggregates go on. Nothing happens before the result is iterated. It is safe
    while the system runs. Where there are several upstreams, the one that is meant may be named.
    Raise ``NotParkedError`` if there is no such letter, ``NotFirstError`` if others have to come
    before it, and what tells of a database that is away.
    """
    letters = parked(system, follower)
    if upstream_name is not None:
        letters = letters.filter(upstream_name=upstream_name)
    if notification_id is not None:
        only = _only(letters.filter(notification_id=notification_id), follower, notification_id)
        tried = _retry(system, follower, only, by)
        if tried is not None:
            yield tried
        return
    if originator_id is not None:
        letters = letters.filter(originator_id=originator_id)
    streams = letters.order_by().values_list("upstream_name", "originator_id")
    found = list(streams.annotate(first=Min("notification_id")).order_by("first"))
    if originator_id is not None and not found:
        raise NotParkedError(
            f"{follower} has nothing parked of aggregate {originator_id}.",
            f"See 'manage.py es_deadletters {follower}'.",
        )
    for upstream, stream_id, _ in found:
        while letter := waiting_of(letters.filter(upstream_name=upstream), stream_id):
            tried = _retry(system, follower, letter, by)
            if tried is not None:
                yield tried
            if tried is not None and tried.error:
                break


def _only(
    letters: QuerySet[DeadLetterRecord], follower: str, notification_id: int
) -> DeadLetterRecord:
    letter = letters.first()
    if letter is None:
        raise NotParkedError(
            f"{follower} has no notification {notification_id} parked.",
            f"See 'manage.py es_deadletters {follower}'.",
        )
    return letter


def _retry(
    system: ConfiguredSystem, name: str, letter: DeadLetterRecord, by: str
) -> Retried | None:
    """Process the letter; return how it went, or ``None`` if somebody else was faster."""
    tried = Retried(
        upstream_name=letter.upstream_name,
        notification_id=letter.notification_id,
        originator_id=letter.originator_id,
        topic=letter.topic,
    )
    try:
        return tried if _process(system, name, letter, by) else None
    except NotFirstError:
        raise
    except (Exception, CancelledError) as error:
        if is_outage(error):
            raise
        _note_failure(system, name, letter, error)
        return Retried(**{**vars(tried), "error": described(error)})


def _process(system: ConfiguredSystem, name: str, letter: DeadLetterRecord, by: str) -> bool:
    follower = follower_of(system, name)
    notification = notification_of(system, name, letter.upstream_name, letter.notification_id)
    tracking = Tracking(letter.upstream_name, letter.notification_id)
    letters = parked(system, name).filter(upstream_name=letter.upstream_name)
    # In the order in which a worker of this process takes them: the turn, then the position.
    with follower.processing_turn(), recorder_of(follower).reprocessing(tracking):
        if not letters.filter(pk=letter.pk).exists():
            return False
        first = waiting_of(letters, letter.originator_id)
        if first is not None and first.pk != letter.pk:
            raise NotFirstError(
                f"{name}: notification {letter.notification_id} of {letter.upstream_name} waits "
                f"for {first.notification_id}, which is of the same aggregate.",
                f"Retry or discard {first.notification_id} first, or retry all of aggregate "
                f"{letter.originator_id}.",
            )
        follower.process_notification(letter.upstream_name, notification)
        letters.filter(pk=letter.pk).update(
            status=DeadLetterRecord.Status.PROCESSED,
            attempts=letter.attempts + 1,
            resolved_at=DatabaseNow(),
            reason=storable(f"retried by {by}" if by else "retried"),
        )
    return True


def _note_failure(
    system: ConfiguredSystem, name: str, letter: DeadLetterRecord, error: BaseException
) -> None:
    with database_errors(system.database_of(name)):
        parked(system, name).filter(pk=letter.pk).update(
            is_behind=False,
            attempts=letter.attempts + 1,
            error=described(error),
            traceback=trace_of(error),
        )
