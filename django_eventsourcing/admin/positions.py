"""Positions: how far each follower is, and how far behind the log that it follows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db.models.expressions import BaseExpression
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_eventsourcing.admin.heads import HEAD, AskedLog, ask_logs
from django_eventsourcing.admin.places import Place, Places
from django_eventsourcing.at_once import Counted
from django_eventsourcing.models import AbstractStoredEvent, AbstractTracking, TrackingRecord
from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.reading import in_one_line, separate_look
from django_eventsourcing.rebuilding.records import holder_of, read_records
from django_eventsourcing.segments import SHADOW, Segment
from eventsourcing.exceptions import EventSourcingError
from eventsourcing.persistence import TrackingRecorder

__all__ = ["Position", "find_positions"]

COUNT_LIMIT = 1_000
"""Events are counted up to here; beyond, it is enough to know that there are more."""
WINDOW = 100_000
"""Ids that are looked at when events are counted, since no index knows the topics."""
ROW_LIMIT = 1_000
"""Rows of positions that are read from one database."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a follower is in the log of one upstream application."""

    follower: str
    upstream: str
    system: str = ""
    """The alias of the system; empty if no configured system has this follower and upstream."""
    database: str
    """The alias of the database that keeps the position."""
    notification_id: int | None = None
    """The last notification processed; ``None`` before the first."""
    head: int | None = None
    """The upstream's last notification."""
    waiting: int = 0
    """How many events are to be processed yet; counted up to a limit."""
    is_more: bool = False
    """Whether there are more than counted."""
    updated_at: datetime | None = None
    is_synchronous: bool = False
    """Whether the follower processes in the transactions that record."""
    shadow_of: str = ""
    """The follower beside whose tables a rebuild fills others, where this is their position."""
    is_being_filled: bool = False
    """Whether a process is at that rebuild; otherwise, it was ended before it was done."""
    error: str = ""

    @property
    def ids_behind(self) -> int | None:
        """How many ids the position is behind the head; some may be of other applications."""
        if self.head is None:
            return None
        return max(0, self.head - (self.notification_id or 0))

    @property
    def state(self) -> str:
        """A word by which a style sheet may choose a colour; the words say it all."""
        if self.error:
            return "error"
        if not self.system:
            return "unknown"
        if self.shadow_of:
            return "shadow"
        if self.is_synchronous:
            return "current"
        if self.notification_id is None:
            return "new"
        return "behind" if self.waiting else "current"

    @property
    def phrases(self) -> list[str]:
        """How the follower is doing, as far as its position tells."""
        match self.state:
            case "error":
                return [_("cannot be read: %(error)s") % {"error": self.error}]
            case "unknown":
                return [_("unknown follower: not in a configured system")]
            case "shadow":
                return [self._shadow, self._count] if self.waiting else [self._shadow]
            case "new":
                return [_("not started"), self._count] if self.waiting else [_("not started")]
            case "behind":
                return [self._count, _moved(self.updated_at)] if self.updated_at else [self._count]
        if self.is_synchronous:
            return [_("synchronous: up to date by itself")]
        return [_("up to date")]

    @property
    def _shadow(self) -> str:
        text = (
            _("shadow of %(follower)s, being filled")
            if self.is_being_filled
            else _("shadow of %(follower)s, left before it was full")
        )
        return text % {"follower": self.shadow_of}

    @property
    def _count(self) -> str:
        text = (
            ngettext("over %(count)d event behind", "over %(count)d events behind", self.waiting)
            if self.is_more
            else ngettext("%(count)d event behind", "%(count)d events behind", self.waiting)
        )
        return text % {"count": self.waiting}


def find_positions(places: Places) -> list[Position]:
    """Return the positions of all followers, then those kept for followers that are unknown."""
    kept, errors = _read_rows(places)
    found: list[_Found] = []
    for system in places.systems:
        for upstream, follower in system.system.edges:
            leader = Place(system=system, name=upstream)
            for run in system.runs_of(follower):
                place = Place(system=system, name=run)
                found.append(_found(place, leader, kept, errors))
            found.extend(_shadows(Place(system=system, name=follower), leader, kept))
    positions = _with_what_waits(found)
    positions.extend(_unknown(table.database, row) for (table, *_), row in kept.items())
    return positions


class Table(NamedTuple):
    """Where positions are kept."""

    database: str
    model: type[AbstractTracking]


Key = tuple[Table, str, str]
"""Table, follower and upstream."""


def _read_rows(places: Places) -> tuple[dict[Key, AbstractTracking], dict[Table, str]]:
    """Return all rows of positions, and why some tables cannot be read."""
    rows: dict[Key, AbstractTracking] = {}
    errors: dict[Table, str] = {}
    for table in _tables(places):
        records = table.model.objects.using(table.database).in_force()
        try:
            with separate_look(table.database):
                for row in records.order_by("application_name", "upstream_name")[:ROW_LIMIT]:
                    rows[table, row.application_name, row.upstream_name] = row
        except DatabaseError as error:
            errors[table] = in_one_line(error)
    return rows, errors


def _tables(places: Places) -> list[Table]:
    """Return the tables that are shared, and those that followers have to themselves."""
    tables = [Table(alias, TrackingRecord) for alias in places.databases]
    for place in places:
        # What is wrong with its models is told beside the follower.
        with suppress(ImproperlyConfigured):
            if place.is_persisted:
                tables.append(Table(place.database, place.models.tracking))
    return list(dict.fromkeys(tables))


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A position, and the log that is looked at for what waits."""

    position: Position
    follower: Place
    upstream: Place

    def failed(self, error: Exception) -> "_Found":
        return replace(self, position=replace(self.position, error=in_one_line(error)))

    @property
    def start(self) -> int:
        """After which notification those come that wait."""
        return self.position.notification_id or 0

    def questions(
        self, events: StoredEventQuerySet[AbstractStoredEvent]
    ) -> dict[str, BaseExpression]:
        """Return what is asked of the upstream's log."""
        if self.position.is_synchronous:
            return {}
        later = events.log_after(self.upstream.name, self.start).until(self.start + WINDOW)
        return {"waiting": Counted(later.with_topics(_topics(self.follower)), COUNT_LIMIT + 1)}

    def told(self, answers: Mapping[str, Any] | Exception) -> Position:
        """Return the position with what is ahead of it, or why that cannot be told."""
        if isinstance(answers, Exception):
            return self.failed(answers).position
        head = answers[HEAD]
        position = replace(self.position, head=head)
        if position.is_synchronous:
            return replace(position, notification_id=head)
        if head is None or head <= self.start:
            return position
        if not self.upstream.is_persisted:
            return replace(position, waiting=head - self.start)
        waiting = answers["waiting"] or 0
        is_more = waiting > COUNT_LIMIT or self.start + WINDOW < head
        return replace(position, waiting=min(waiting, COUNT_LIMIT), is_more=is_more)


def _found(
    follower: Place,
    upstream: Place,
    kept: dict[Key, AbstractTracking],
    errors: dict[Table, str],
) -> _Found:
    position = Position(
        follower=follower.name,
        upstream=upstream.name,
        system=follower.system.alias,
        database=follower.database,
    )
    found = _Found(position=position, follower=follower, upstream=upstream)
    try:
        return replace(found, position=_read_position(found, kept, errors))
    except (DatabaseError, EventSourcingError, ImproperlyConfigured) as reason:
        return found.failed(reason)


def _read_position(
    found: _Found, kept: dict[Key, AbstractTracking], errors: dict[Table, str]
) -> Position:
    position, follower, upstream = found.position, found.follower, found.upstream
    if not follower.is_persisted:
        return replace(position, notification_id=_position_in_memory(follower, upstream))
    table = Table(follower.database, follower.models.tracking)
    if table in errors:
        return replace(position, error=errors[table])
    synchronous = Segment.synchronous(follower.name).name
    if kept.pop((table, synchronous, upstream.name), None) is not None:
        return replace(position, is_synchronous=True)
    row = kept.pop((table, follower.name, upstream.name), None)
    if row is None:
        return position
    return replace(position, notification_id=row.notification_id or None, updated_at=row.updated_at)


def _shadows(
    follower: Place, upstream: Place, kept: dict[Key, AbstractTracking]
) -> Iterator[_Found]:
    """Yield the position of the tables that a rebuild fills beside those in use, if one does."""
    name = Segment(follower=follower.name, purpose=SHADOW).name
    keys = [key for key in kept if key[1:] == (name, upstream.name)]
    for key in [key for key in keys if key[0].database == follower.database]:
        row = kept.pop(key)
        position = Position(
            follower=name,
            upstream=upstream.name,
            system=follower.system.alias,
            database=follower.database,
            notification_id=row.notification_id or None,
            updated_at=row.updated_at,
            shadow_of=follower.name,
        )
        found = _Found(position=position, follower=follower, upstream=upstream)
        try:
            is_being_filled = _is_being_rebuilt(follower)
            yield replace(found, position=replace(position, is_being_filled=is_being_filled))
        except (DatabaseError, EventSourcingError, ImproperlyConfigured) as reason:
            yield found.failed(reason)


def _is_being_rebuilt(follower: Place) -> bool:
    """Tell whether a process that lives is at a rebuild of the follower's rows."""
    with separate_look(follower.database):
        return any(map(holder_of, read_records(follower.database, [follower.name])))


def _with_what_waits(found: Sequence[_Found]) -> list[Position]:
    """Return the positions with the heads of the logs and what waits, where there is no error."""
    readable = [each for each in found if not each.position.error]
    told = iter(ask_logs([AskedLog(each.upstream, each.questions) for each in readable]))
    return [each.position if each.position.error else each.told(next(told)) for each in found]


def _topics(follower: Place) -> Sequence[str]:
    """Return the topics that the follower processes; none, if all."""
    return tuple(getattr(follower.system.class_of(follower.name), "topics", ()))


def _position_in_memory(follower: Place, upstream: Place) -> int | None:
    recorder = follower.application.recorder
    return (
        recorder.max_tracking_id(upstream.name) if isinstance(recorder, TrackingRecorder) else None
    )


def _unknown(database: str, row: AbstractTracking) -> Position:
    return Position(
        follower=row.application_name,
        upstream=row.upstream_name,
        database=database,
        notification_id=row.notification_id,
        updated_at=row.updated_at,
    )


def _moved(at: datetime) -> str:
    if timezone.now() - at < timedelta(minutes=1):
        return _("moved less than a minute ago")
    return _("moved %(time)s ago") % {"time": timesince(at, depth=1)}
