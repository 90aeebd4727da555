"""Traces: what came of one request, as a tree; and what caused an event, and what it caused."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from django_eventsourcing.admin.metadata import metadata_rows
from django_eventsourcing.admin.names import class_name, split_at_dots
from django_eventsourcing.admin.paging import clamp_id
from django_eventsourcing.admin.permissions import may_see_payloads, may_view
from django_eventsourcing.admin.places import Places, find_places
from django_eventsourcing.admin.searches import Search
from django_eventsourcing.admin.streams import StreamPages
from django_eventsourcing.metadata import EventReference
from django_eventsourcing.payloads import visible
from django_eventsourcing.reading import in_one_line, separate_look
from django_eventsourcing.tracing import (
    LIMIT,
    MISSING,
    WINDOW,
    Trace,
    TracedEvent,
    TracedLog,
    TraceNode,
    read_trace,
    traced_event,
)

__all__ = ["TracePages"]

DEEPEST = 8
"""The steps by which rows are set in; deeper ones say their level in words alone."""
MOST_EFFECTS = 20
"""The effects that the page of an event names; the trace has all of them."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """An event of a trace as pages show it."""

    event: TracedEvent
    reference: str
    class_name: Sequence[str]
    """The parts of the name, between which a line may break."""
    originator_id: str
    url: str
    stream_url: str
    level: int
    """From 1 for a root."""
    indentation: int
    elapsed: str
    note: str
    """Why it is at the root though it has a cause."""
    is_asked: bool


class TracePages(StreamPages):
    """Pages that show a trace; the page of an event, what caused it and what it caused."""

    def get_pages(self) -> list[URLPattern]:
        prefix = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        view = self.admin_site.admin_view(self.trace_view)
        return [path("trace/", view, name=f"{prefix}_trace"), *super().get_pages()]

    def trace_url(self, correlation_id: Any) -> str:
        """Return the URL of the page of a trace, by its correlation id or by an event."""
        return f"{self.url('trace')}?{urlencode({'id': str(correlation_id)})}"

    def get_search_links(self, search: Search) -> Sequence[tuple[str, str]]:
        return [
            (_("Trace of %(id)s") % {"id": visible(each)}, self.trace_url(each))
            for each in dict.fromkeys(search.correlations)
        ]

    def trace_view(self, request: HttpRequest) -> HttpResponse:
        """Show the events of a trace, each below the one that caused it."""
        self.check_reading(request)
        places = find_places()
        asked = request.GET.get("id", "").strip()
        trace = Trace(correlation_id=asked, events=[])
        problems = list(places.problems)
        try:
            if asked:
                trace = read_trace(asked, self._logs(request, places))
        except (DatabaseError, ImproperlyConfigured) as error:
            problems.append(
                _("The trace cannot be read: %(error)s") % {"error": in_one_line(error)}
            )
        name = visible(trace.correlation_id[:200])
        return self.page(
            request,
            "trace.html",
            _("Trace of %(id)s") % {"id": name} if asked else _("Trace"),
            trail=[self.list_link],
            problems=problems,
            asked=asked,
            branches=[self._branch(places, node, asked) for node in trace.events],
            notes=self._notes(request, places, trace),
            is_missing=bool(asked and not trace.events and len(problems) == len(places.problems)),
        )

    def _shown(
        self, request: HttpRequest, record: Any, places: Places, alias: str
    ) -> dict[str, Any]:
        shown = super()._shown(request, record, places, alias)
        event = traced_event(record, alias)
        trace = Trace(correlation_id=event.correlation_id, events=[])
        place = places.find(record.application_name, database=alias)
        if place:
            # This page is about the event, whose own database has answered; others may not.
            with suppress(DatabaseError, ImproperlyConfigured):
                trace = read_trace(event, self._logs(request, places))

        def cause_url(value: Any) -> str:
            cause = trace.find(str(value))
            if cause:
                return self._branch(places, cause, "").url
            return self._event_url(request, EventReference.parse(value), places)

        def search_url(name: str, value: Any) -> str:
            return self.search_url(place, name, value) if place else ""

        return {
            **shown,
            "metadata": metadata_rows(
                record.metadata,
                cause_url,
                self.trace_url,
                search_url,
                is_masked=not may_see_payloads(request),
            ),
            **self._around(places, trace, event.reference),
        }

    def _event_url(
        self, request: HttpRequest, reference: EventReference | None, places: Places
    ) -> str:
        """Return the URL of the page of the event, if it is there and the user may view it."""
        place = reference and places.find(reference.application_name)
        if not reference or not place or not place.is_persisted:
            return ""
        own = self.own_model(place)
        if own is not None and not may_view(request, own):
            return ""
        name, number = reference
        records = self._all(place.database, own).filter(id=clamp_id(number), application_name=name)
        try:
            with separate_look(place.database):
                event = records.only("id", "application_name").first()
        except DatabaseError:
            # This page is about another event, which may be in another database.
            return ""
        return self.record_url(event.pk, event, places, place.database) if event else ""

    def _around(self, places: Places, trace: Trace, reference: str) -> dict[str, Any]:
        """Return the cause and the effects of an event, if it has any."""
        node = trace.find(reference)
        cause = trace.find(node.event.causation_id) if node else None
        effects = trace.caused_by(reference)
        if cause is None and not effects:
            return {}
        return {
            "trace_url": self.trace_url(reference),
            "cause": cause and self._branch(places, cause, ""),
            "effects": [self._branch(places, each, "") for each in effects[:MOST_EFFECTS]],
            "has_more_effects": trace.is_cut or len(effects) > MOST_EFFECTS,
        }

    def _logs(self, request: HttpRequest, places: Places) -> list[TracedLog]:
        """Return the logs that keep metadata and that the user may read, each once."""
        found = (
            TracedLog(place.name, place.database, place.models.event)
            for place in places
            if place.is_persisted and self.may_read(request, place)
        )
        return list(dict.fromkeys(found))

    def _notes(self, request: HttpRequest, places: Places, trace: Trace) -> list[str]:
        """Return what the tree leaves out."""
        notes = []
        if trace.is_cut:
            notes.append(
                _("There are more events; the first %(count)s are shown.")
                % {"count": number_format(LIMIT)}
            )
        if trace.unindexed:
            notes.append(
                _(
                    "Only the newest %(count)s IDs of %(names)s have been searched: there is no "
                    "index of correlations."
                )
                % {"count": number_format(WINDOW), "names": ", ".join(trace.unindexed)}
            )
        hidden = [place.name for place in places if not self.may_read(request, place)]
        if hidden:
            notes.append(
                _("Events of %(names)s are left out: you may not view them.")
                % {"names": ", ".join(dict.fromkeys(hidden))}
            )
        return notes

    def _branch(self, places: Places, node: TraceNode, asked: str) -> Branch:
        event = node.event
        place = places.find(event.application, database=event.database)
        return Branch(
            event=event,
            reference=event.reference,
            class_name=split_at_dots(visible(class_name(event.topic))),
            originator_id=visible(str(event.originator_id)),
            url=self.event_url(place, event.id) if place else "",
            stream_url=self.stream_url(place, event.originator_id, event.originator_version)
            if place
            else "",
            level=node.depth + 1,
            indentation=min(node.depth, DEEPEST),
            elapsed=_elapsed(node.elapsed),
            note=_note(node),
            is_asked=event.reference == asked,
        )


def _elapsed(elapsed: timedelta) -> str:
    seconds = number_format(elapsed.total_seconds(), 3)
    return _("+%(seconds)s s") % {"seconds": seconds}


def _note(node: TraceNode) -> str:
    if not node.cause:
        return ""
    cause = {"cause": visible(node.event.causation_id[:200])}
    if node.cause == MISSING:
        return _("Its cause is %(cause)s, which is not here.") % cause
    return _("Its cause is %(cause)s, which follows from it.") % cause
