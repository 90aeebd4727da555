"""Event links: from pages about followers to events, and to the letters and logs beside them."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite
from django.contrib.admin.exceptions import NotRegistered
from django.db.models import Model
from django.http import HttpRequest

from django_eventsourcing.admin.logs import NotificationLogPages
from django_eventsourcing.admin.places import Place
from django_eventsourcing.admin.records import RecordAdmin
from django_eventsourcing.models import StoredEventRecord

__all__ = ["event_pages", "event_url", "readable_logs", "viewable_admin"]

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


def viewable_admin(
    site: AdminSite, request: HttpRequest, model: type[Model]
) -> "ModelAdmin[Any] | None":
    """Return the pages of the model, if the site has any and the user may view them."""
    pages = _pages_of(site, model)
    return pages if pages is not None and pages.has_view_permission(request) else None


def readable_logs(site: AdminSite, request: HttpRequest) -> NotificationLogPages | None:
    """Return the pages of the notification logs, if they may be read."""
    pages = viewable_admin(site, request, StoredEventRecord)
    return pages if isinstance(pages, NotificationLogPages) else None


def event_pages(site: AdminSite) -> RecordAdmin | None:
    """Return the pages of events, which say how an event is shown, whoever may view them."""
    pages = _pages_of(site, StoredEventRecord)
    return pages if isinstance(pages, RecordAdmin) else None


def event_url(site: AdminSite, request: HttpRequest, place: Place | None, number: int) -> str:
    """Return the URL of the page of an event; empty if there is none, or it may not be viewed."""
    logs = readable_logs(site, request)
    if logs is None or place is None or not logs.may_read(request, place):
        return ""
    return logs.event_url(place, number)


def _pages_of(site: AdminSite, model: type[Model]) -> "ModelAdmin[Any] | None":
    try:
        return site.get_model_admin(model)
    except NotRegistered:
        return None
