"""Versions: whether the rows of projections are those that the code would write."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from django_eventsourcing.models import ProjectionRecord, RebuildRequest
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.rebuilding.records import (
    Kind,
    ProjectionRows,
    Step,
    command_for,
    read_records,
    request_of,
    time_of,
)
from django_eventsourcing.rebuilding.refusals import version_of
from django_eventsourcing.recorders import DjangoTrackingRecorder
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.leases import LeaseTiming
from django_eventsourcing.segments import SHADOW, Segment
from django_eventsourcing.wording import Words
from eventsourcing.system import Follower

__all__ = [
    "ProjectionNotice",
    "RebuildStanding",
    "note_versions",
    "projection_notices",
    "rebuild_standing",
]


@dataclass(frozen=True, kw_only=True)
class ProjectionNotice:
    """Something that is to be known of a projection's rows."""

    follower: str
    words: str
    is_due: bool = False
    """Whether the rows are to be made again, and nobody is at it."""


def projection_notices(
    system: ConfiguredSystem, followers: Iterable[str] | None = None
) -> list[ProjectionNotice]:
    """Return what is to be known of the rows of the system's projections, or of those named."""
    names = _projections(system, system.runs if followers is None else followers)
    records = _records(system, names)
    return [notice for name in names for notice in _notices(system, name, records.get(name))]


@dataclass(frozen=True, kw_only=True)
class RebuildStanding:
    """What is requested of a projection, and what is under way."""

    record: ProjectionRecord | None = None
    """The rebuild under way, or left before it was done."""
    holder: str = ""
    """The process that does it; empty if none does."""
    percent: int | None = None
    """How much of the logs, as they were when it was begun, it has processed."""
    request: RebuildRequest | None = None


def rebuild_standing(system: ConfiguredSystem, name: str) -> RebuildStanding:
    """Return how a rebuild of the projection stands, which may be none."""
    record = _records(system, [name]).get(name)
    request = request_of(record)
    if record is None or not record.kind or _is_caught_up(system, name, record):
        return RebuildStanding(request=request)
    holder = ProjectionRows(system.database_of(name), name).worker(record, LeaseTiming())
    return RebuildStanding(
        record=record,
        holder=str(holder or ""),
        percent=_percent(system, name, record),
        request=request,
    )


def note_versions(system: ConfiguredSystem, followers: Iterable[str]) -> list[ProjectionNotice]:
    """
    Put on record by which version rows are made that are made from now on; return the notices.

    What is on record stays, be it of an earlier version or, in older code, of a later one.
    """
    for name in _projections(system, followers):
        rows = ProjectionRows(system.database_of(name), name)
        record = rows.read()
        if record is None or record.version is None:
            rows.note_version(version_of(system, name))
        elif record.kind and _is_caught_up(system, name, record):
            rows.forget(record)
    return projection_notices(system, followers)


def _projections(system: ConfiguredSystem, followers: Iterable[str]) -> Sequence[str]:
    names = dict.fromkeys(system.application_of(name) for name in followers)
    return [
        name
        for name in names
        if issubclass(system.class_of(name), ModelProjection) and system.is_persisted(name)
    ]


def _records(system: ConfiguredSystem, names: Iterable[str]) -> dict[str, ProjectionRecord]:
    """Return what is on record of the projections, of those in a database by one query."""
    kept: dict[str, list[str]] = {}
    for name in names:
        kept.setdefault(system.database_of(name), []).append(name)
    return {
        record.application_name: record
        for alias, own in kept.items()
        for record in read_records(alias, own)
    }


def _notices(
    system: ConfiguredSystem, name: str, record: ProjectionRecord | None
) -> Iterable[ProjectionNotice]:
    rows = ProjectionRows(system.database_of(name), name)
    if record is None:
        return
    code, latest = version_of(system, name), max(record.version or 0, record.building or 0)
    if record.kind and not _is_caught_up(system, name, record):
        yield ProjectionNotice(follower=name, words=_under_way(system, rows, record))
    if (request := request_of(record)) is not None:
        yield ProjectionNotice(follower=name, words=_requested(name, request))
    if code < latest:
        yield ProjectionNotice(
            follower=name,
            words=Words.gettext(
                "%(follower)s has version %(code)d in this code, and its rows are of version "
                "%(rows)d: older code is at work.  HINT: Start this process again with the code "
                "that is deployed now.",
                follower=name,
                code=code,
                rows=latest,
            ),
        )
    elif record.version is not None and code > latest:
        yield ProjectionNotice(
            follower=name,
            words=Words.gettext(
                "%(follower)s has version %(code)d, and its rows are of version %(rows)d: a "
                "rebuild is due.  HINT: %(command)s",
                follower=name,
                code=code,
                rows=record.version,
                command=command_for(name),
            ),
            is_due=True,
        )


def _under_way(system: ConfiguredSystem, rows: ProjectionRows, record: ProjectionRecord) -> Words:
    values = {"follower": rows.follower, "since": time_of(record.started_at)}
    is_shadow = record.kind == Kind.SHADOW
    holder = rows.worker(record, LeaseTiming())
    if holder is not None:
        values["worker"] = holder.words
        words = (
            Words.gettext(
                "%(follower)s is being rebuilt by shadow by %(worker)s, since %(since)s", **values
            )
            if is_shadow
            else Words.gettext(
                "%(follower)s is being rebuilt in place by %(worker)s, since %(since)s", **values
            )
        )
        percent = _percent(system, rows.follower, record)
        if percent is None:
            return words
        return Words.gettext("%(words)s: %(percent)d %% of the log", words=words, percent=percent)
    words = (
        Words.gettext(
            "%(follower)s: a rebuild by shadow of %(since)s was ended before it was done", **values
        )
        if is_shadow
        else Words.gettext(
            "%(follower)s: a rebuild in place of %(since)s was ended before it was done", **values
        )
    )
    if record.kind == Kind.IN_PLACE and record.step == Step.FILLING:
        return Words.gettext("%(words)s: its workers go on with it", words=words)
    command = command_for(rows.follower, record.kind)
    return Words.gettext(
        "%(words)s.  HINT: It goes on by: %(command)s", words=words, command=command
    )


def _requested(name: str, request: RebuildRequest) -> Words:
    values = {"follower": name, "at": time_of(request.requested_at)}
    values["user"] = request.requested_by or Words.gettext("somebody")
    words = (
        Words.gettext(
            "%(follower)s: a rebuild by shadow was requested by %(user)s at %(at)s", **values
        )
        if request.kind == Kind.SHADOW
        else Words.gettext(
            "%(follower)s: a rebuild in place was requested by %(user)s at %(at)s", **values
        )
    )
    if request.error:
        return Words.gettext(
            "%(words)s, and has failed: %(error)s  HINT: Mend the cause; then request it again, or "
            "withdraw the request, on the page of the follower in the admin.",
            words=words,
            error=request.error,
        )
    if request.taken_by:
        return Words.gettext(
            "%(words)s; taken last by %(worker)s", words=words, worker=request.taken_by
        )
    return Words.gettext(
        "%(words)s; it is begun by 'manage.py run_system', which no process has done yet",
        words=words,
    )


def _percent(system: ConfiguredSystem, name: str, record: ProjectionRecord) -> int | None:
    """Return how much of the logs has been processed; ``None`` if there is no telling."""
    total = sum(record.heads.values())
    recorder = cast(Follower, system.get(name)).recorder
    if not total or not isinstance(recorder, DjangoTrackingRecorder):
        return None
    if record.kind == Kind.SHADOW:
        rows = recorder.positions.of(Segment(follower=name, purpose=SHADOW).name).order_by()
        positions = dict(rows.values_list("upstream_name", "notification_id"))
    else:
        found = {each: recorder.positions_in_force(each) for each in record.heads}
        positions = {each: min(own.values(), default=0) for each, own in found.items()}
    done = sum(min(positions.get(each, 0), head) for each, head in record.heads.items())
    return int(100 * done // total)


def _is_caught_up(system: ConfiguredSystem, name: str, record: ProjectionRecord) -> bool:
    """Tell whether workers have brought a rebuild to its end that was left to them."""
    if record.kind != Kind.IN_PLACE or record.step != Step.FILLING:
        return False
    recorder = cast(Follower, system.get(name)).recorder
    return isinstance(recorder, DjangoTrackingRecorder) and all(
        min(recorder.positions_in_force(upstream).values(), default=0) >= head
        for upstream, head in record.heads.items()
    )
