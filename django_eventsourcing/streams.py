"""Streams: what each event of an aggregate has changed, and what the aggregate was then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from django_eventsourcing.event_log import LoggedEvent, logged, stream_of
from django_eventsourcing.payloads import readable
from django_eventsourcing.problems import described
from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.recorders.errors import database_errors
from eventsourcing.application import AggregateNotFoundError, Application, project_aggregate
from eventsourcing.domain.state import values_of
from eventsourcing.persistence import Notification

__all__ = ["Change", "Step", "last_version", "read_steps", "state_of", "step_at", "version_at"]

# What has a place of its own, or is not part of the state.
_APART = {"_id", "id", "_version", "version", "_pending_events"}
# Versions among which a time is looked for at once, and parts into which more are divided.
_READ_AT_ONCE, _PARTS = 1_000, 100
# The time of the event, which says nothing more.
_MOVES_ALWAYS = "modified_on"


@dataclass(frozen=True, kw_only=True)
class Change:
    """An attribute that an event has changed; its values are as JSON has them."""

    name: str
    kind: str
    """``added``, ``removed`` or ``changed``."""
    before: Any = None
    after: Any = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """An event of an aggregate, and the aggregate after it."""

    event: LoggedEvent
    class_name: str = ""
    """The aggregate's class; empty where there is no aggregate."""
    state: dict[str, Any] | None = None
    """Its attributes, as JSON has them; ``None`` where there is none, as after its end."""
    changes: list[Change] = field(default_factory=list)
    """What is other than before the event, but for the time of the last change."""
    error: str = ""
    """Why the aggregate cannot be made."""


def read_steps(
    application: Application,
    originator_id: UUID | str,
    *,
    after: int | None = None,
    limit: int = 1,
    most_replayed: int | None = None,
) -> Iterator[Step]:
    """
    Yield an aggregate's events after a version, by default from the first on, and what they made.

    What was before is made as the application's repository does, from a snapshot where there is
    one; each event is then applied in turn. Where that fails, or more than ``most_replayed`` events
    would have to be read before the first, this step and the later ones say so.
    """
    notifications = stream_of(application, originator_id, after=after, limit=limit)
    aggregate: Any = None
    error = ""
    if notifications and after is not None:
        if most_replayed is not None and after > most_replayed:
            error = _too_many(application, originator_id, after, most_replayed)
        if not error:
            aggregate, error = _made(application, originator_id, after)
    before = state_of(aggregate)
    for notification in notifications:
        if not error:
            aggregate, error = _applied(application, aggregate, notification)
        state = None if error else state_of(aggregate)
        [event] = logged(application, [notification])
        yield Step(
            event=event,
            class_name="" if state is None else type(aggregate).__qualname__,
            state=state,
            changes=[] if error else list(_changes(before or {}, state or {})),
            error=error,
        )
        before = state


def step_at(
    application: Application,
    originator_id: UUID | str,
    version: int,
    *,
    most_replayed: int | None = None,
) -> Step | None:
    """Return what the event of a version made, as ``read_steps()`` does; ``None`` without one."""
    steps = read_steps(application, originator_id, after=version - 1, most_replayed=most_replayed)
    return next((step for step in steps if step.event.originator_version == version), None)


def last_version(application: Application, originator_id: UUID | str) -> int | None:
    """Return the version of the aggregate's last event; ``None`` if it has none."""
    newest = stream_of(application, originator_id, limit=1, newest=True)
    return newest[0].originator_version if newest else None


def version_at(application: Application, originator_id: UUID | str, at: datetime) -> int | None:
    """
    Return the version that the aggregate had at a time; ``None`` before its first event.

    It goes by when events were recorded, which is kept by recorders of Django alone. Among more
    than 1,000 events, these times are taken to be in the order of versions.
    """
    recorder = application.recorder
    if not isinstance(recorder, DjangoApplicationRecorder):
        raise ValueError(f"{application.name} does not keep when its events were recorded.")
    if not timezone.is_aware(timezone.now()):
        at = timezone.make_naive(at)
    events = recorder.log.of(application.name).originator(originator_id)
    with database_errors(recorder.alias):
        low, high = _narrowed(events, at, _newest_of(events) or 0)
        among = events.versions(gt=low - 1, lte=high)
        return _newest_of(among.filter(recorded_at__lte=at))


def _newest_of(events: StoredEventQuerySet[Any]) -> int | None:
    versions = events.order_by("-originator_version").values_list("originator_version", flat=True)
    return versions.first()


def _narrowed(events: StoredEventQuerySet[Any], at: datetime, last: int) -> tuple[int, int]:
    """Return two versions, no further apart than is read at once, between which the time is."""
    low, high = 0, last
    while high - low > _READ_AT_ONCE:
        step = -(-(high - low) // _PARTS)
        marks = events.filter(originator_version__in=range(low + step, high, step))
        found = marks.filter(recorded_at__lte=at).values_list("originator_version", flat=True)
        low = max(found, default=low)
        high = min(low + step, high)
    return low, high


def _too_many(application: Application, originator_id: UUID | str, version: int, most: int) -> str:
    """Tell if too many events come after the last snapshot before a version."""
    if application.snapshots is not None:
        latest = application.snapshots.recorder.select_events(
            originator_id, lte=version, desc=True, limit=1
        )
        version -= latest[0].originator_version if latest else 0
    if version <= most:
        return ""
    return f"{version:,} events would have to be replayed, more than {most:,}"


def _made(application: Application, originator_id: UUID | str, version: int) -> tuple[Any, str]:
    """Return the aggregate at a version, ``None`` where there was none; or why it is not known."""
    try:
        return application.repository.get(originator_id, version=version), ""
    except AggregateNotFoundError:
        return None, ""
    except Exception as error:  # noqa: BLE001 - whatever the project's code raises
        return None, described(error)


def _applied(
    application: Application, aggregate: Any, notification: Notification
) -> tuple[Any, str]:
    try:
        event = application.mapper.to_domain_event(notification)
        return project_aggregate(aggregate, [event]), ""
    except Exception as error:  # noqa: BLE001 - whatever the project's code raises
        return None, described(error)


def state_of(aggregate: Any) -> dict[str, Any] | None:
    """Return the attributes of an aggregate as JSON has them; ``None`` if there is none."""
    if aggregate is None:
        return None
    values = values_of(aggregate).items()
    return {name.lstrip("_"): readable(value) for name, value in values if name not in _APART}


def _changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        if name == _MOVES_ALWAYS and name in before and name in after:
            continue
        if name not in before:
            yield Change(name=name, kind="added", after=after[name])
        elif name not in after:
            yield Change(name=name, kind="removed", before=before[name])
        elif before[name] != after[name]:
            yield Change(name=name, kind="changed", before=before[name], after=after[name])
