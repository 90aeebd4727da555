"""Letters: the records of dead letters, written and found in the follower's database."""

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import QuerySet

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.dead_letters.errors import DeadLetterError, NotParkedError
from django_eventsourcing.models import DeadLetterRecord, FollowerRecord
from django_eventsourcing.recorders import DjangoProcessRecorder
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.recorders.tracking import segment_run_by
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.segments import Segment
from django_eventsourcing.times import utc_text
from eventsourcing.application import Application
from eventsourcing.persistence import Notification
from eventsourcing.system import Follower

__all__ = [
    "count_parked",
    "follower_of",
    "move_letters",
    "next_notification",
    "not_parked",
    "notification_of",
    "parked",
    "put",
    "recorder_of",
    "stopped_at",
    "waiting_of",
]

# Ids in one statement.
_CHUNK = 500
# Sections of a log in which the next notification of a segment is looked for.
_MOST_PULLS = 100
_PARKED = DeadLetterRecord.Status.PARKED


def parked(system: ConfiguredSystem, follower: str) -> QuerySet[DeadLetterRecord]:
    """Return the follower's dead letters that wait for something to be done, in their order."""
    letters = DeadLetterRecord.objects.using(system.database_of(follower))
    return letters.filter(application_name=follower, status=_PARKED).order_by(
        "upstream_name", "notification_id"
    )


def waiting_of(letters: QuerySet[DeadLetterRecord], originator_id: str) -> DeadLetterRecord | None:
    """Return the first of these letters that is of the aggregate."""
    return letters.filter(originator_id=originator_id).order_by("notification_id").first()


def move_letters(alias: str, upstream_name: str, old: Sequence[str], new: Sequence[Segment]) -> int:
    """Let the segments have the letters of the upstream kept under the old names; return many."""
    letters = DeadLetterRecord.objects.using(alias).filter(
        application_name__in=old, upstream_name=upstream_name
    )
    ids: dict[str, list[str]] = {}
    for originator_id in letters.order_by().values_list("originator_id", flat=True).distinct():
        segment = next(each for each in new if each.has(originator_id))
        ids.setdefault(segment.name, []).append(originator_id)
    count = 0
    for name, of in ids.items():
        for start in range(0, len(of), _CHUNK):
            chunk = letters.filter(originator_id__in=of[start : start + _CHUNK])
            count += chunk.exclude(application_name=name).update(application_name=name)
    return count


def count_parked(system: ConfiguredSystem, followers: Sequence[str]) -> dict[str, int]:
    """Return how many notifications each follower has parked, for those that have any."""
    counts: dict[str, int] = {}
    for name in followers:
        if system.is_persisted(name):
            with database_errors(system.database_of(name)):
                counts[name] = parked(system, name).count()
    return {name: count for name, count in counts.items() if count}


def not_parked(
    system: ConfiguredSystem, name: str, notification_id: int, upstream_name: str | None = None
) -> NotParkedError:
    """Return the error of a notification that is not parked; it says what has become of it."""
    letters = DeadLetterRecord.objects.using(system.database_of(name)).filter(
        application_name=name, notification_id=notification_id, resolved_at__isnull=False
    )
    if upstream_name is not None:
        letters = letters.filter(upstream_name=upstream_name)
    what = f"{name} has no notification {notification_id} parked"
    letter = letters.order_by("-resolved_at").first()
    if letter is None or letter.resolved_at is None:
        return NotParkedError(f"{what}.", f"See 'manage.py es_deadletters {name}'.")
    at = utc_text(letter.resolved_at)
    return NotParkedError(
        f"{what}: it was {letter.status} at {at} UTC: {letter.reason}.",
        f"See 'manage.py es_deadletters {name} --status {letter.status}'.",
    )


def put(
    alias: str,
    follower: str,
    upstream_name: str,
    notification: Notification,
    status: DeadLetterRecord.Status,
    **values: Any,
) -> None:
    """Record the notification as a dead letter; a record of it that is there is replaced."""
    DeadLetterRecord.objects.using(alias).update_or_create(
        application_name=follower,
        upstream_name=upstream_name,
        notification_id=notification.id,
        defaults={
            "originator_id": str(notification.originator_id),
            "originator_version": notification.originator_version,
            "topic": notification.topic,
            "status": status,
            "is_behind": False,
            "error": "",
            "traceback": "",
            "attempts": 0,
            "parked_at": DatabaseNow(),
            "resolved_at": None if status is _PARKED else DatabaseNow(),
            "reason": "",
            **values,
        },
    )


def follower_of(system: ConfiguredSystem, name: str) -> Follower:
    """Return the follower, ready to process; raise ``DeadLetterError`` if it is kept in memory."""
    if not system.is_persisted(name):
        raise DeadLetterError(
            f"{name} is kept in memory, where nothing can be set aside.",
            "Keep it in a database: remove its PERSISTENCE_MODULE.",
        )
    follower = cast(Follower, system.get(name))
    for leader_name in system.upstreams_of(name):
        # What a runner of this process has set up is left as it is.
        if leader_name not in follower.readers:
            leader: Application = system.get(leader_name)
            follower.follow(leader_name, leader.notification_log, leader.mapper)
    return follower


def recorder_of(follower: Follower) -> DjangoProcessRecorder:
    """Return the follower's recorder, which is one on Django's databases."""
    return cast(DjangoProcessRecorder, follower.recorder)


def notification_of(
    system: ConfiguredSystem, follower: str, upstream_name: str, notification_id: int
) -> Notification:
    """Return the notification as it is in the upstream's log."""
    upstream = system.get(upstream_name)
    found = upstream.recorder.select_notifications(notification_id, 1, notification_id)
    if not found:
        raise NotParkedError(
            f"{follower}: notification {notification_id} is not in the log of {upstream_name}.",
            "Its event has been removed from the table: if that is right, discard it by "
            "'manage.py es_deadletters'.",
        )
    return found[0]


def next_notification(
    system: ConfiguredSystem, name: str, upstream_name: str
) -> Notification | None:
    """Return the notification of the upstream that the follower is to process next."""
    follower = follower_of(system, name)
    segment = segment_run_by(follower)
    limit = 1 if segment.count == 1 else None
    start = None
    # What other segments process is passed over: there may be none of its own among many.
    for _ in range(_MOST_PULLS):
        found = follower.pull_notifications(upstream_name, limit, start=start)
        own = next((each for each in found if segment.has(each.originator_id)), None)
        if own is not None or not found:
            return own
        start = found[-1].id
    return None


def stopped_at(
    system: ConfiguredSystem, name: str, likely: Sequence[str] | None = None
) -> tuple[str, Notification] | None:
    """
    Return the upstream and the notification that the follower is to process next.

    Where it has failed, that is of the upstream whose notification it was; otherwise, of the first
    that has one. Return ``None`` if there is nothing to process. ``likely`` are the upstreams that
    are looked at first, by a status that has been read: the one that has failed, and those behind.
    """
    if likely is None:
        likely = _failed_upstreams(system, name)
    for upstream_name in dict.fromkeys((*likely, *system.upstreams_of(name))):
        notification = next_notification(system, name, upstream_name)
        if notification is not None:
            return upstream_name, notification
    return None


def _failed_upstreams(system: ConfiguredSystem, name: str) -> list[str]:
    """Return the upstream whose notification has failed, if one has, and is followed still."""
    records = FollowerRecord.objects.using(system.database_of(name))
    found = records.filter(application_name=name).values_list("upstream_name", flat=True)
    return [each for each in found if each in system.upstreams_of(name)]
