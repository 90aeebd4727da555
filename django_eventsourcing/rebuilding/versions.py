"""Versions: whether the rows of projections are those that the code would write."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django_eventsourcing.models import ProjectionRecord, RebuildRequest
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.rebuilding.records import (
    Kind,
    ProjectionRows,
    Step,
    command_for,
    time_of,
)
from django_eventsourcing.rebuilding.refusals import version_of
from django_eventsourcing.rebuilding.surveys import Survey, surveys_of
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.wording import Words

__all__ = [
    "ProjectionNotice",
    "note_versions",
    "notices_of",
    "projection_notices",
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
    return [notice for survey in surveys_of(system, names) for notice in notices_of(survey)]


def note_versions(system: ConfiguredSystem, followers: Iterable[str]) -> list[ProjectionNotice]:
    """
    Put on record by which version rows are made that are made from now on; return the notices.

    What is on record stays, be it of an earlier version or, in older code, of a later one.
    """
    for name in _projections(system, followers):
        rows, survey = ProjectionRows(system.database_of(name), name), Survey(system, name)
        record = survey.record
        if record is None or record.version is None:
            rows.note_version(version_of(system, name))
        elif record.kind and survey.is_caught_up:
            rows.forget(record)
    return projection_notices(system, followers)


def _projections(system: ConfiguredSystem, followers: Iterable[str]) -> Sequence[str]:
    names = dict.fromkeys(system.application_of(name) for name in followers)
    return [
        name
        for name in names
        if issubclass(system.class_of(name), ModelProjection) and system.is_persisted(name)
    ]


def notices_of(survey: Survey) -> Iterator[ProjectionNotice]:
    """Yield what is to be known of the rows of one projection."""
    system, name, record = survey.system, survey.follower, survey.record
    if record is None:
        return
    code, latest = version_of(system, name), max(record.version or 0, record.building or 0)
    if survey.under_way is not None:
        yield ProjectionNotice(follower=name, words=_under_way(survey, record))
    if (request := survey.request) is not None:
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


def _under_way(survey: Survey, record: ProjectionRecord) -> Words:
    values = {"follower": survey.follower, "since": time_of(record.started_at)}
    is_shadow = record.kind == Kind.SHADOW
    if survey.holder is not None:
        values["worker"] = survey.holder.words
        words = (
            Words.gettext(
                "%(follower)s is being rebuilt by shadow by %(worker)s, since %(since)s", **values
            )
            if is_shadow
            else Words.gettext(
                "%(follower)s is being rebuilt in place by %(worker)s, since %(since)s", **values
            )
        )
        percent = survey.percent
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
    command = command_for(survey.follower, record.kind)
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
