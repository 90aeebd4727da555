"""Buttons: from the page of a row to the events of the aggregate that it is about."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from django_eventsourcing.admin.event_links import viewable_admin
from django_eventsourcing.admin.rows import originator_field, places_behind
from django_eventsourcing.admin.streams import StreamPages
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.reading import separate_look
from django_eventsourcing.streams import last_version
from eventsourcing.exceptions import EventSourcingError

__all__ = ["EventsButtonMixin"]

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = object


class EventsButtonMixin(ModelAdmin):
    """
    Adds an *Events* button to the page of a row that a projection has written.

    It leads to the stream of the aggregate that the row is about, for those who may view it. Name
    it before ``ModelAdmin`` among the base classes.
    """

    events_form_template = "admin/django_eventsourcing/row.html"

    def get_originator_id(self, obj: Any) -> UUID | str | None:
        """
        Return the id of the aggregate that the row is about; ``None`` if there is none.

        By default it is the primary key, if that is a UUID; otherwise the UUID that is named
        ``originator_id`` or ``aggregate_id``.
        """
        field = originator_field(type(obj))
        return None if field is None else getattr(obj, field.attname)

    def get_events_url(self, request: HttpRequest, obj: Any) -> str:
        """Return the URL of the stream; empty if there is none, or the user may not view it."""
        id_ = self.get_originator_id(obj)
        pages = viewable_admin(self.admin_site, request, StoredEventRecord)
        if id_ is None or not isinstance(pages, StreamPages):
            return ""
        for place in places_behind(type(obj)):
            try:
                with separate_look(place.database):
                    is_there = last_version(place.application, id_) is not None
            except (DatabaseError, EventSourcingError, ImproperlyConfigured):
                continue
            if is_there and pages.may_read(request, place):
                return pages.stream_url(place, id_)
        return ""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().render_change_form(request, context, *args, **kwargs)
        obj = context.get("original")
        url = self.get_events_url(request, obj) if obj is not None else ""
        if url and isinstance(response, TemplateResponse):
            # What is shown otherwise, the theme's or the project's own template, is extended.
            shown: Any = response.resolve_template(response.template_name)
            more = {"events_url": url, "form_template": shown.template}
            response.context_data = {**(response.context_data or {}), **more}
            response.template_name = self.events_form_template
        return response
