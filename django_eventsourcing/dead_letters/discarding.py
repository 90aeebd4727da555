"""Discarding: notifications that are not to be processed, on record with a reason."""

from django.db import transaction

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.dead_letters.errors import DeadLetterError, NotNextError
from django_eventsourcing.dead_letters.letters import (
    count_parked,
    follower_of,
    not_parked,
    parked,
    put,
    recorder_of,
)
from django_eventsourcing.models import DeadLetterRecord, FollowerRecord
from django_eventsourcing.operating import request_retry
from django_eventsourcing.problems import storable
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem
from eventsourcing.persistence import AlreadyProcessedError, Notification, Tracking

__all__ = ["discard", "skip"]


def discard(
    system: ConfiguredSystem,
    name: str,
    notification_id: int,
    *,
    reason: str,
    by: str = "",
    upstream_name: str | None = None,
) -> DeadLetterRecord:
    """
    Give up a notification that the follower has parked; return its record.

    The upstream is to be named where several have a notification of this id. Later ones of the
    same aggregate no longer wait for it. Raise ``NotParkedError`` if it is not parked.
    """
    text = _reason(reason, by)
    recorder = recorder_of(follower_of(system, name))
    letters = parked(system, name).filter(notification_id=notification_id)
    if upstream_name is not None:
        letters = letters.filter(upstream_name=upstream_name)
    letter = letters.first()
    if letter is not None:
        # A worker that has a unit of work in hand is waited for.
        tracking = Tracking(letter.upstream_name, notification_id)
        with recorder.reprocessing(tracking), database_errors(recorder.alias):
            is_done = letters.filter(pk=letter.pk).update(
                status=DeadLetterRecord.Status.DISCARDED, resolved_at=DatabaseNow(), reason=text
            )
        if is_done:
            letter.refresh_from_db()
            return letter
    raise not_parked(system, name, notification_id, upstream_name)


def skip(
    system: ConfiguredSystem,
    name: str,
    *,
    reason: str,
    by: str = "",
    notification_id: int | None = None,
    upstream_name: str | None = None,
) -> Notification:
    """
    Move the follower past the notification at which it has stopped; return that.

    The one that is given has to be the next one, in the upstream if that is named. Raise
    ``NotNextError`` otherwise.
    """
    text = _reason(reason, by)
    follower = follower_of(system, name)
    recorder = recorder_of(follower)
    failure = FollowerRecord.objects.using(recorder.alias).filter(application_name=name).first()
    if upstream_name is None:
        upstream_name = _stopped_in(system, name, failure, notification_id)
    position = recorder.max_tracking_id(upstream_name) or 0
    notification = _next(system, name, upstream_name, position, failure, notification_id)
    tracking = Tracking(upstream_name, notification.id)
    try:
        with recorder.processing(tracking, after=position), database_errors(recorder.alias):
            put(
                recorder.alias,
                name,
                upstream_name,
                notification,
                DeadLetterRecord.Status.SKIPPED,
                error=failure.error if failure else "",
                traceback=failure.traceback if failure else "",
                attempts=failure.attempts if failure else 0,
                reason=text,
            )
            recorder.insert_tracking(tracking)
            transaction.on_commit(lambda: request_retry(system, name), using=recorder.alias)
    except AlreadyProcessedError as error:
        raise NotNextError(
            f"{name} has gone on past notification {notification.id} of {upstream_name} meanwhile.",
            "See 'manage.py es_status': nothing may need to be skipped.",
        ) from error
    return notification


def _stopped_in(
    system: ConfiguredSystem,
    name: str,
    failure: FollowerRecord | None,
    notification_id: int | None,
) -> str:
    """Return the upstream whose notification is meant."""
    if failure is not None and failure.notification_id is not None and failure.upstream_name:
        return failure.upstream_name
    if notification_id is None:
        raise NotNextError(
            f"{name} has not stopped at a notification.",
            _give_up_parked(system, name)
            or "Name the one to be skipped by --notification; it has to be the next one.",
        )
    follower = follower_of(system, name)
    upstreams = system.upstreams_of(name)
    for upstream_name in upstreams:
        found = follower.pull_notifications(upstream_name, 1)
        if found and found[0].id == notification_id:
            return upstream_name
    return upstreams[0]


def _next(
    system: ConfiguredSystem,
    name: str,
    upstream_name: str,
    position: int,
    failure: FollowerRecord | None,
    notification_id: int | None,
) -> Notification:
    wanted = notification_id
    if wanted is None and failure is not None:
        wanted = failure.notification_id
    found = follower_of(system, name).pull_notifications(upstream_name, 1, start=position)
    if found and found[0].id == wanted:
        return found[0]
    there = f"that is {found[0].id}" if found else "there is none"
    raise NotNextError(
        f"{name}: notification {wanted} of {upstream_name} is not the next one: {there}.",
        _give_up_parked(system, name) or "See 'manage.py es_status' for where it has stopped.",
    )


def _give_up_parked(system: ConfiguredSystem, name: str) -> str:
    """Return how to give up what the follower has parked; empty if there is nothing."""
    number = count_parked(system, [name]).get(name, 0)
    if not number:
        return ""
    return (
        f"It has parked {number:,}: see 'manage.py es_deadletters {name}', and give one up by "
        "'manage.py es_deadletters --discard ID --reason TEXT'."
    )


def _reason(reason: str, by: str) -> str:
    if not reason.strip():
        raise DeadLetterError(
            "A notification is not given up without a reason.", "Say why: others will want to know."
        )
    return storable(f"{reason.strip()} (by {by})" if by else reason.strip())
