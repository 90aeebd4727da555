"""Notification logs: what each application has to tell its followers, in linked sections."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from django_eventsourcing.admin.heads import HEAD, AskedLog, ask_logs, read_head
from django_eventsourcing.admin.names import class_name, split_at_dots
from django_eventsourcing.admin.paging import clamp_id
from django_eventsourcing.admin.payloads import Payload
from django_eventsourcing.admin.permissions import may_view
from django_eventsourcing.admin.places import Place, find_places
from django_eventsourcing.admin.records import RecordAdmin
from django_eventsourcing.reading import in_one_line, separate_look
from eventsourcing.application import Section
from eventsourcing.exceptions import EventSourcingError
from eventsourcing.persistence import Notification

__all__ = ["NotificationLogPages"]

FIRST_SECTION = "first"
NEWEST_SECTION = "newest"


@dataclass(frozen=True, kw_only=True)
class Log:
    """An application's log as the index shows it."""

    place: Place
    url: str
    sections_url: str
    head: int | None = None
    """The id of the last notification."""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A notification as a section shows it."""

    notification: Notification
    class_name: Sequence[str]
    """The parts of the name, between which a line may break."""
    url: str
    """The page of the stored event, where there is one."""
    stream_url: str
    """The list of the events of the same originator, where they are listed."""
    payload: Payload
    recorded_at: datetime | None = None


class NotificationLogPages(RecordAdmin):
    """Pages for the logs of all applications, and for the sections of each."""

    def get_pages(self) -> list[URLPattern]:
        prefix = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        view = self.admin_site.admin_view
        return [
            path("log/", view(self.logs_view), name=f"{prefix}_logs"),
            path(
                "log/<str:alias>/<str:name>/<str:section_id>/",
                view(self.section_view),
                name=f"{prefix}_section",
            ),
            *super().get_pages(),
        ]

    def section_url(self, place: Place, section_id: str = NEWEST_SECTION) -> str:
        """Return the URL of a section of the application's log."""
        return self.url("section", quote(place.system.alias), quote(place.name), section_id)

    def logs_view(self, request: HttpRequest) -> HttpResponse:
        """Show the applications of all systems, each with the head of its log."""
        self.check_reading(request)
        places = find_places()
        return self.page(
            request,
            "logs.html",
            _("Notification logs"),
            trail=[self.list_link],
            logs=self._heads([place for place in places if self.may_read(request, place)]),
            problems=places.problems,
        )

    def section_view(
        self, request: HttpRequest, alias: str, name: str, section_id: str
    ) -> HttpResponse:
        """Show one section of an application's log."""
        self.check_reading(request)
        place = self.readable_place(request, alias, name)
        size = place.system.system.get_app_cls(place.name).log_section_size
        section = Section(id=None, items=[], next_id=None)
        links: list[tuple[str, str]] = []
        problem, status = "", 200
        try:
            with separate_look(place.database):
                asked_id = _resolve(section_id, place, size)
                section = place.application.notification_log[asked_id]
                links = self._section_links(place, section, int(asked_id.partition(",")[0]), size)
        except ValueError:
            problem, status = _not_a_section(section_id), 400
        except (DatabaseError, EventSourcingError, ImproperlyConfigured) as error:
            problem = _("The log cannot be read: %(error)s") % {"error": in_one_line(error)}
        items = [self.item(request, place, notification) for notification in section.items]
        return self.page(
            request,
            "section.html",
            _("Notification log of %(name)s in sections") % {"name": place.name},
            trail=[
                self.list_link,
                (_("Notification logs"), self.url("logs")),
                (_("Notification log of %(name)s") % {"name": place.name}, self.log_url(place)),
            ],
            status=status,
            place=place,
            items=items,
            problems=[problem] if problem else [],
            section_id=section.id,
            links=links,
            tools=[(_("Newest first, as one list"), self.log_url(place))],
            home_url=self.section_url(place, NEWEST_SECTION) if status == 400 else "",
        )

    def readable_place(self, request: HttpRequest, alias: str, name: str) -> Place:
        """Return the application that a URL names; raise unless it is there, and may be read."""
        place = find_places().find(unquote(name), system=unquote(alias))
        if place is None:
            raise Http404(_("There is no such application in the configured systems."))
        if not self.may_read(request, place):
            raise PermissionDenied
        return place

    def may_read(self, request: HttpRequest, place: Place) -> bool:
        """Tell whether the user may see the application's events, also in a table of its own."""
        own = self.own_model(place)
        return own is None or may_view(request, own)

    def event_url(self, place: Place, number: int) -> str:
        """Return the URL of the page of an event; empty where events have none."""
        if not place.is_persisted:
            return ""
        query = {"database": place.database}
        if place.models.event is not self.model:
            query["application"] = place.name
        return f"{self.url('change', number)}?{urlencode(query)}"

    def _heads(self, places: Sequence[Place]) -> list[Log]:
        """Return the logs; one that cannot be read does not hide the others."""
        logs = []
        told = ask_logs([AskedLog(place) for place in places])
        for place, answers in zip(places, told, strict=True):
            log = Log(place=place, url=self.log_url(place), sections_url=self.section_url(place))
            if isinstance(answers, Exception):
                logs.append(replace(log, error=in_one_line(answers)))
            else:
                logs.append(replace(log, head=answers[HEAD]))
        return logs

    def item(
        self, request: HttpRequest, place: Place, notification: Notification, record: Any = None
    ) -> Item:
        """Return a notification as pages show it; ``record`` has its time, if it is known."""
        stream_url = ""
        if place.is_persisted and place.models.event is self.model:
            stream = {
                "application": place.name,
                "originator_id": str(notification.originator_id),
                "database": place.database,
            }
            stream_url = f"{self.url('changelist')}?{urlencode(stream)}"
        return Item(
            notification=notification,
            class_name=split_at_dots(class_name(notification.topic)),
            url=self.event_url(place, notification.id),
            stream_url=stream_url,
            payload=self.shown_payload(request, place, place.name, notification, record),
            recorded_at=getattr(record, "recorded_at", None),
        )

    def _section_links(
        self, place: Place, section: Section, first: int, size: int
    ) -> list[tuple[str, str]]:
        links = []
        start = section.items[0].id if section.items else first
        previous = _ids_before(place, start, size)
        if previous:
            links.append((_("First"), FIRST_SECTION))
            links.append((_("Previous"), f"{min(previous)},{min(previous) + size - 1}"))
        head = read_head(place) or 0
        if section.items and section.items[-1].id < head:
            after = section.items[-1].id + 1
            links.append((_("Next"), section.next_id or f"{after},{after + size - 1}"))
            links.append((_("Newest"), NEWEST_SECTION))
        return [(label, self.section_url(place, target)) for label, target in links]


def _resolve(section_id: str, place: Place, size: int) -> str:
    """Return the id of a section by its name or its id, with ids in their range."""
    if section_id == FIRST_SECTION:
        return f"1,{size}"
    if section_id == NEWEST_SECTION:
        return _newest_section_id(place, size)
    match = re.fullmatch(r"\s*(-?[0-9]{1,50})\s*,\s*(-?[0-9]{1,50})\s*", section_id)
    if match is None:
        raise ValueError(section_id)
    return f"{clamp_id(int(match[1]))},{clamp_id(int(match[2]))}"


def _not_a_section(section_id: str) -> str:
    return _(
        "“%(id)s” is not the ID of a section. Give the first and the last notification's ID with "
        "a comma between them, such as 1,10."
    ) % {"id": section_id[:80]}


def _newest_section_id(place: Place, size: int) -> str:
    """Return the id of the section that ends with the last notification."""
    ids = _ids_before(place, (read_head(place) or 0) + 1, size)
    first = min(ids, default=1)
    return f"{first},{first + size - 1}"


def _ids_before(place: Place, stop: int, size: int) -> list[int]:
    """Return the ids of the last few notifications before this one."""
    if place.is_persisted:
        in_order = place.events.log(place.name).until(stop - 1)
        ids = in_order.reverse().values_list("id", flat=True)
        return list(ids[:size])
    # Elsewhere an application's ids have no gaps.
    recorder = place.application.recorder
    return [
        notification.id
        for notification in recorder.select_notifications(max(1, stop - size), size, stop=stop - 1)
    ]
