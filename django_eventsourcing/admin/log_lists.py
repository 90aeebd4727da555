"""Log lists: the notification log of one application as a list, the newest first."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from django_eventsourcing.admin.elsewhere import read_elsewhere
from django_eventsourcing.admin.filters import LogForm
from django_eventsourcing.admin.logs import Item, NotificationLogPages
from django_eventsourcing.admin.paging import Page
from django_eventsourcing.admin.permissions import may_see_payloads
from django_eventsourcing.admin.places import Place
from django_eventsourcing.admin.records import COLUMNS
from django_eventsourcing.admin.searches import FINE_WINDOW, TEXT, Rules, term
from django_eventsourcing.admin.starts import Start, start_of
from django_eventsourcing.reading import in_one_line, separate_look
from eventsourcing.exceptions import EventSourcingError
from eventsourcing.persistence import Notification

__all__ = ["LogListPages"]


class LogListPages(NotificationLogPages):
    """Pages that list what is in the log of an application, with what it says."""

    log_per_page = 25
    """Notifications on a page, whose payloads are read."""

    def get_pages(self) -> list[URLPattern]:
        prefix = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        view = self.admin_site.admin_view(self.log_view)
        return [
            path("log/<str:alias>/<str:name>/", view, name=f"{prefix}_log"),
            *super().get_pages(),
        ]

    def log_url(self, place: Place) -> str:
        """Return the URL of the list of what is in the application's log."""
        return self.url("log", quote(place.system.alias), quote(place.name))

    def search_url(self, place: Place, name: str, value: object) -> str:
        """Return the URL of the list of events that a qualifier with its value leads to."""
        query = {"q": term(name, value)}
        if place.is_persisted and self.own_model(place) is None:
            return f"{self.url('changelist')}?{urlencode({**query, 'database': place.database})}"
        return f"{self.log_url(place)}?{urlencode(query)}"

    def log_view(self, request: HttpRequest, alias: str, name: str) -> HttpResponse:
        """Show a page of the list."""
        self.check_reading(request)
        place = self.readable_place(request, alias, name)
        form = LogForm(
            request.GET,
            self.get_classes(),
            self._rules(request, place),
            has_times=place.is_persisted,
        )
        form.full_clean()
        page: Page[Any] = Page(rows=[], newer=None, older=None)
        start = Start(cursor=form.cursor)
        items: Sequence[Item] = []
        problems = form.problems
        try:
            if not form.errors:
                with separate_look(place.database):
                    read = self._read_log if place.is_persisted else self._read_elsewhere
                    page, start, items = read(request, place, form)
        except (DatabaseError, EventSourcingError, ImproperlyConfigured) as error:
            problems.append(_("The log cannot be read: %(error)s") % {"error": in_one_line(error)})
        return self.page(
            request,
            "log.html",
            _("Notification log of %(name)s") % {"name": place.name},
            trail=[self.list_link, (_("Notification logs"), self.url("logs"))],
            form=form,
            problems=problems,
            items=items,
            has_time=place.is_persisted,
            asked=start.asked,
            note=start.note([item.notification for item in items]),
            searched=page.searched,
            search_links=self.get_search_links(form.search),
            links=form.page_links(page),
            tools=[(_("Sections"), self.section_url(place))],
        )

    def _rules(self, request: HttpRequest, place: Place) -> Rules:
        if place.is_persisted:
            return self.search_rules(request, self.own_model(place))
        rules = self.search_rules(request)
        # Neither metadata nor times are kept there, and ids are compared as text.
        return Rules(
            known=("id", "originator", "topic", TEXT),
            originator_id=str,
            reads_states=rules.reads_states,
        )

    def _read_log(
        self, request: HttpRequest, place: Place, form: LogForm
    ) -> tuple[Page[Any], Start, Sequence[Item]]:
        every = place.events
        in_order = every.log(place.name)
        columns = [*COLUMNS, "recorded_at"]
        is_seen = may_see_payloads(request)
        if is_seen:
            columns += ["state", "metadata"]
        start = start_of(form, in_order)
        found = form.search.select(in_order, every, [place.name], self._matching(form))
        page = found.page(start.cursor, columns=columns, size=self.log_per_page)
        items = []
        for record in page.rows:
            notification = Notification(
                id=record.pk,
                originator_id=record.originator_id,
                originator_version=record.originator_version,
                topic=record.topic,
                state=bytes(record.state) if is_seen else b"",
            )
            items.append(self.item(request, place, notification, record))
        return page, start, items

    def _read_elsewhere(
        self, request: HttpRequest, place: Place, form: LogForm
    ) -> tuple[Page[Any], Start, Sequence[Item]]:
        recorder = place.application.recorder
        start = start_of(form, None)
        topic = form.chosen.get("topic")

        def matches(notification: Notification) -> bool:
            return topic in (None, notification.topic) and form.search.matches(notification)

        page = read_elsewhere(
            recorder, start.cursor, matches, size=self.log_per_page, window=FINE_WINDOW
        )
        return page, start, [self.item(request, place, each) for each in page.rows]
