"""Processed: which followers have processed an event, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from django_eventsourcing.admin.places import Place
from django_eventsourcing.models import AbstractTracking, DeadLetterRecord, FollowerRecord
from django_eventsourcing.reading import in_one_line, separate_look
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.segments import Segment
from eventsourcing.exceptions import EventSourcingError
from eventsourcing.persistence import TrackingRecorder

__all__ = ["Processing", "processings"]

_POSITION, _FAILING = "position", "failing"


@dataclass(frozen=True, kw_only=True)
class Processing:
    """What has become of an event at one follower."""

    follower: str
    """The name of the follower, or of the segment to which the event belongs."""
    words: str
    url: str = ""
    """The page of the follower, for those who may see it."""


@dataclass(frozen=True, kw_only=True)
class _Event:
    upstream: str
    id: int
    originator_id: UUID | str
    topic: str


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """What a database says of followers; each by its name, or that of a segment."""

    positions: dict[str, int]
    letters: dict[str, str]
    failing: set[str]


def _read(database: str, tracking: type[AbstractTracking], event: _Event) -> _Rows:
    """Return what there is of the event, and all positions in its log, by one query."""
    here = {"upstream_name": event.upstream, "notification_id": event.id}
    positions = tracking.objects.using(database).upstream(event.upstream).in_force()
    letters = DeadLetterRecord.objects.using(database).filter(**here)
    failing = FollowerRecord.objects.using(database).filter(**here)
    found = _as_rows(positions, Value(_POSITION)).union(
        _as_rows(letters, F("status")), _as_rows(failing, Value(_FAILING)), all=True
    )
    rows = _Rows(positions={}, letters={}, failing=set())
    for name, kind, number in found:
        if kind == _POSITION:
            rows.positions[name] = number
        elif kind == _FAILING:
            rows.failing.add(name)
        else:
            rows.letters[name] = kind
    return rows


def _as_rows(records: QuerySet[Any], kind: Value | F) -> QuerySet[Any]:
    kinds: QuerySet[Any] = records.order_by().annotate(kind=Cast(kind, CharField(max_length=32)))
    rows: QuerySet[Any] = kinds.values_list("application_name", "kind", "notification_id")
    return rows


def processings(
    place: Place, number: int, originator_id: UUID | str, topic: str
) -> Sequence[Processing]:
    """Return what has become of an event of the application at each of its followers."""
    event = _Event(upstream=place.name, id=number, originator_id=originator_id, topic=topic)
    return list(_processings(place.system, event))


def _processings(system: ConfiguredSystem, event: _Event) -> Iterator[Processing]:
    rows: dict[tuple[str, type[AbstractTracking]], _Rows] = {}
    errors: dict[str, str] = {}
    for name in system.system.followers:
        if event.upstream not in system.upstreams_of(name):
            continue
        database = system.database_of(name)
        try:
            if not system.is_persisted(name):
                yield _in_memory(system, name, event)
                continue
            if database not in errors:
                table = database, system.models_of(name).tracking
                if table not in rows:
                    with separate_look(database):
                        rows[table] = _read(*table, event)
                yield _persisted(system, name, event, rows[table])
        except DatabaseError as error:
            errors[database] = in_one_line(error)
        except (EventSourcingError, ImproperlyConfigured) as error:
            yield Processing(follower=name, words=_unknown(in_one_line(error)))
        if database in errors:
            yield Processing(follower=name, words=_unknown(errors[database]))


def _persisted(system: ConfiguredSystem, name: str, event: _Event, rows: _Rows) -> Processing:
    positions = rows.positions
    if Segment.synchronous(name).name in positions:
        words = _("processed, in the transaction that has recorded it")
        return Processing(follower=name, words=words)
    # The segments that are in force may be others than those of the settings.
    kept = [each for each in map(Segment.parse, positions) if each.follower == name]
    configured = system.segments_of(name)
    own = [each for each in kept or configured if each.has(event.originator_id)]
    run = own[0].name if own else name
    found = Processing(follower=run, words="")
    letter, position = rows.letters.get(run), positions.get(run, 0)
    if letter is not None and letter != DeadLetterRecord.Status.PROCESSED:
        return replace(found, words=_letter(letter))
    if run in rows.failing and position < event.id:
        return replace(found, words=_("failed here"))
    return replace(found, words=_words(system, name, event, position))


def _in_memory(system: ConfiguredSystem, name: str, event: _Event) -> Processing:
    recorder = system.get(name).recorder
    position = None
    if isinstance(recorder, TrackingRecorder):
        position = recorder.max_tracking_id(event.upstream)
    return Processing(follower=name, words=_words(system, name, event, position or 0))


def _words(system: ConfiguredSystem, name: str, event: _Event, position: int) -> str:
    topics = tuple(getattr(system.class_of(name), "topics", ()))
    if topics and event.topic not in topics:
        return _("passed over: it does not process events of this class")
    return _("processed") if position >= event.id else _("not yet")


def _letter(status: str) -> str:
    words = {
        DeadLetterRecord.Status.PARKED.value: _("parked"),
        DeadLetterRecord.Status.SKIPPED.value: _("skipped"),
        DeadLetterRecord.Status.DISCARDED.value: _("discarded"),
    }
    return words.get(status, status)


def _unknown(error: str) -> str:
    return _("not known: %(error)s") % {"error": error}
