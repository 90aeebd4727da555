"""Streams: the events of one aggregate, and what it was after each of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from django_eventsourcing.admin.attributes import Attribute, compared, in_parts
from django_eventsourcing.admin.copies import Copy, copies_of
from django_eventsourcing.admin.dates import parse_time
from django_eventsourcing.admin.event_links import viewable_admin
from django_eventsourcing.admin.followers import FollowerPages
from django_eventsourcing.admin.log_lists import LogListPages
from django_eventsourcing.admin.names import class_name, split_at_dots
from django_eventsourcing.admin.paging import parse_id
from django_eventsourcing.admin.payloads import Payload, hidden_by_permission
from django_eventsourcing.admin.permissions import may_see_payloads, may_view
from django_eventsourcing.admin.places import Place, Places
from django_eventsourcing.admin.processed import Processing, processings
from django_eventsourcing.admin.records import described_event, stored_event
from django_eventsourcing.admin.rows import find_rows
from django_eventsourcing.event_log import LoggedEvent, known_id
from django_eventsourcing.models import MonitoredSystem, SnapshotRecord
from django_eventsourcing.payloads import visible
from django_eventsourcing.reading import in_one_line, separate_look
from django_eventsourcing.streams import Step, last_version, read_steps, step_at, version_at
from eventsourcing.application import Application
from eventsourcing.exceptions import EventSourcingError

__all__ = ["StreamPages"]

SIZE = 20
"""The number of events on a page."""
MOST_SNAPSHOTS = 10
"""Snapshots that a page lists, the newest."""
MOST_REPLAYED = 1_000
"""Events that are read for a page, at most, to make what the aggregate was before."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """An event of the stream as the page lists it."""

    event: LoggedEvent
    class_name: Sequence[str]
    """The parts of the name, between which a line may break."""
    url: str
    """The page of the aggregate as it was after it."""
    event_url: str
    changed: Sequence[str]
    """The names of the attributes that are other than before."""
    is_shown: bool


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a page is asked to show."""

    last: int
    version: int
    at: str = ""
    problem: str = ""


class StreamPages(LogListPages):
    """Pages that show an aggregate at each version; the page of an event, what it has changed."""

    def get_pages(self) -> list[URLPattern]:
        prefix = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        return [
            path(
                "stream/<str:alias>/<str:name>/<str:originator_id>/",
                self.admin_site.admin_view(self.stream_view),
                name=f"{prefix}_stream",
            ),
            *super().get_pages(),
        ]

    def stream_url(
        self, place: Place, originator_id: UUID | str, version: int | None = None
    ) -> str:
        """Return the URL of the page of an aggregate, as it is or as it was at a version."""
        parts = (place.system.alias, place.name, str(originator_id))
        url = self.url("stream", *map(quote, parts))
        return url if version is None else f"{url}?{urlencode({'version': version})}"

    def stream_view(
        self, request: HttpRequest, alias: str, name: str, originator_id: str
    ) -> HttpResponse:
        """Show the events of an aggregate, and what it was after one of them."""
        self.check_reading(request)
        place = self.readable_place(request, alias, name)
        shown: dict[str, Any] = {}
        text, problems = unquote(originator_id), []
        try:
            with separate_look(place.database):
                shown = self._stream(request, place, text)
        except (DatabaseError, EventSourcingError, ImproperlyConfigured) as error:
            problems.append(
                _("The stream cannot be read: %(error)s") % {"error": in_one_line(error)}
            )
        return self.page(
            request,
            "stream.html",
            _("Stream of %(id)s") % {"id": visible(text)},
            trail=[
                self.list_link,
                (_("Notification log of %(name)s") % {"name": place.name}, self.log_url(place)),
            ],
            place=place,
            **{"problems": problems, **shown},
        )

    def _stream(self, request: HttpRequest, place: Place, text: str) -> dict[str, Any]:
        application = place.application
        id_, last = _id_and_last(application, text)
        asked = _asked(request, application, id_, last)
        after = max(0, asked.version - 1) // SIZE * SIZE or None
        steps = list(
            read_steps(application, id_, after=after, limit=SIZE, most_replayed=MOST_REPLAYED)
        )
        found = (step for step in steps if step.event.originator_version == asked.version)
        step = next(found, None)
        problem = asked.problem or (
            "" if step else _("There is no version %(version)d.") % {"version": asked.version}
        )
        return {
            "problems": [problem] if problem else [],
            "step": step,
            "error": _error(request, step.error) if step else "",
            "at": asked.at,
            "attributes": self._attributes(request, step) if step else [],
            "is_masked": not may_see_payloads(request),
            "last": last,
            "moments": [self._moment(place, id_, each, asked.version) for each in steps],
            "links": self._stream_links(place, id_, asked, steps),
            "snapshots": self._snapshots(request, place, id_),
            "rows": find_rows(request, self.admin_site, place, id_),
            "related": list(self.related_links(request, (step or steps[-1]).event))
            if steps
            else [],
        }

    def format_state(
        self, request: HttpRequest, event: LoggedEvent, values: dict[str, Any]
    ) -> dict[str, Any]:
        """
        Return the attributes of an aggregate that are to be shown instead of its own.

        ``values`` are as JSON has them, and may be changed; ``event`` is the one after which, or
        before which, the aggregate had them.
        """
        return values

    def _attributes(
        self, request: HttpRequest, step: Step, *, is_in_parts: bool = False
    ) -> list[Attribute]:
        """
        Return the attributes after an event, each with what was before it, and those removed.

        In parts, they are those alone that are other than before, and what has changed in them.
        """
        kinds = {change.name: change.kind for change in step.changes}
        states = [_before(step), dict(step.state or {})]
        if may_see_payloads(request):
            states = [self.format_state(request, step.event, values) for values in states]
            return list((in_parts if is_in_parts else compared)(states[0], states[1], kinds))
        found = compared(states[0], states[1], kinds)
        # Values are in JSON's quotes, so that the word is none of them.
        hidden = _("hidden")
        return [
            replace(each, now=each.now and hidden, before=each.before and hidden) for each in found
        ]

    def _follower_url(self, request: HttpRequest, name: str, place: Place) -> str:
        """Return the URL of the page of a follower, if there is one, and the user may see it."""
        pages = viewable_admin(self.admin_site, request, MonitoredSystem)
        if not isinstance(pages, FollowerPages) or name not in place.system.runs:
            return ""
        return pages.follower_url(name)

    def _copies(
        self, request: HttpRequest, place: Place, record: Any, payload: Payload
    ) -> Iterator[Copy]:
        stored = stored_event(record)
        query = request.GET.copy()
        query["copy"] = "pytest"
        hooks = (type(self).format_payload, type(self).format_state)
        return copies_of(
            place,
            described_event(place.name, stored, record),
            stored,
            payload,
            test_url=f"?{query.urlencode()}#copies",
            makes_test=request.GET.get("copy") == "pytest",
            shows_otherwise=hooks != (StreamPages.format_payload, StreamPages.format_state),
        )

    def _processings(self, request: HttpRequest, place: Place, record: Any) -> Sequence[Processing]:
        found = processings(place, record.pk, record.originator_id, record.topic)
        return [
            replace(each, url=self._follower_url(request, each.follower, place)) for each in found
        ]

    def _snapshots(
        self, request: HttpRequest, place: Place, id_: UUID | str
    ) -> list[tuple[int, str]]:
        """Return the versions of the newest snapshots, and the URLs of their pages."""
        if not place.is_persisted or place.application.snapshots is None:
            return []
        model = place.models.snapshot
        pages = viewable_admin(self.admin_site, request, SnapshotRecord)
        if pages is None or not may_view(request, model):
            return []
        records = model.objects.using(place.database).of(place.name).originator(id_)
        query = {"database": place.database}
        if model is not SnapshotRecord:
            query["application"] = place.name
        found = records.order_by("-originator_version").values_list("originator_version", "pk")
        prefix = f"{SnapshotRecord._meta.app_label}_{SnapshotRecord._meta.model_name}"
        change = f"{self.admin_site.name}:{prefix}_change"
        return [
            (version, f"{reverse(change, args=(number,))}?{urlencode(query)}")
            for version, number in found[:MOST_SNAPSHOTS]
        ]

    def _moment(self, place: Place, id_: UUID | str, step: Step, shown: int) -> Moment:
        version = step.event.originator_version
        return Moment(
            event=step.event,
            class_name=split_at_dots(class_name(step.event.topic)),
            url=self.stream_url(place, id_, version),
            event_url=self.event_url(place, step.event.id),
            changed=[visible(change.name) for change in step.changes],
            is_shown=version == shown,
        )

    def _stream_links(
        self, place: Place, id_: UUID | str, asked: Asked, steps: Sequence[Step]
    ) -> list[tuple[str, str]]:
        links = []
        if asked.version > 1:
            links += [(_("First"), 1), (_("Previous"), min(asked.version - 1, asked.last))]
        if asked.version < asked.last:
            links += [(_("Next"), asked.version + 1), (_("Last"), asked.last)]
        return [(label, self.stream_url(place, id_, version)) for label, version in links]

    def _shown(
        self, request: HttpRequest, record: Any, places: Places, alias: str
    ) -> dict[str, Any]:
        shown = super()._shown(request, record, places, alias)
        place = places.find(record.application_name, database=alias)
        if place is None:
            return shown
        id_, version = record.originator_id, record.originator_version
        step: Step | None = None
        try:
            step = step_at(place.application, id_, version, most_replayed=MOST_REPLAYED)
            error = step.error if step else ""
        except Exception as reason:  # noqa: BLE001  The event itself is shown all the same.
            error = in_one_line(reason)
        changes = self._attributes(request, step, is_in_parts=True) if step else []
        return {
            **shown,
            "step": step,
            "error": _error(request, error),
            "changes": [each for each in changes if each.kind],
            "is_masked": not may_see_payloads(request),
            "travel_url": self.stream_url(place, id_, version),
            "processings": self._processings(request, place, record),
            "copies": list(self._copies(request, place, record, shown["payload"])),
        }


def _id_and_last(application: Application, text: str) -> tuple[UUID | str, int]:
    try:
        id_ = known_id(application, text)
    except ValueError as error:
        raise Http404(_("This is not an originator's ID.")) from error
    last = last_version(application, id_)
    if last is None:
        raise Http404(_("There are no events of this originator."))
    return id_, last


def _asked(request: HttpRequest, application: Application, id_: UUID | str, last: int) -> Asked:
    """Return the version that is asked for by number or by time; the last one by default."""
    at, number = request.GET.get("at", ""), request.GET.get("version", "")
    if at:
        return _asked_by_time(application, id_, last, at)
    version = parse_id(number) if number else last
    if version is None:
        problem = _("“%(version)s” is not the number of a version.") % {"version": number[:80]}
        return Asked(last=last, version=last, problem=visible(problem))
    if version > last:
        problem = _("There is no version %(version)d; this is the last one.")
        return Asked(last=last, version=last, problem=problem % {"version": version})
    return Asked(last=last, version=version)


def _asked_by_time(application: Application, id_: UUID | str, last: int, text: str) -> Asked:
    at = parse_time(text)
    if at is None:
        problem = _("“%(time)s” is not a time such as 2026-01-31 12:00.") % {"time": text[:80]}
        return Asked(last=last, version=last, at=text[:80], problem=visible(problem))
    try:
        version = version_at(application, id_, at)
    except ValueError as error:
        return Asked(last=last, version=last, at=text, problem=str(error))
    if version is None:
        problem = _("There were no events at that time; this is the first version.")
        return Asked(last=last, version=1, at=text, problem=problem)
    return Asked(last=last, version=version, at=text)


def _error(request: HttpRequest, error: str) -> str:
    """Return why an aggregate cannot be made; such a text may quote what an event says."""
    if error and not may_see_payloads(request):
        return hidden_by_permission()
    return visible(error)


def _before(step: Step) -> dict[str, Any]:
    """Return the aggregate's attributes before the event."""
    changes = {change.name: change for change in step.changes}
    before = {name: value for name, value in (step.state or {}).items() if name not in changes}
    changed = {name: each.before for name, each in changes.items() if each.kind != "added"}
    return {**before, **changed}
