"""Tracking: the positions of all followers on one page."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from django_eventsourcing.admin.event_links import readable_logs
from django_eventsourcing.admin.logs import NotificationLogPages
from django_eventsourcing.admin.places import Places, find_places
from django_eventsourcing.admin.positions import Position, find_positions
from django_eventsourcing.admin.read_only import ReadOnlyAdmin
from django_eventsourcing.models import TrackingRecord
from django_eventsourcing.segments import follower_name

__all__ = ["TrackingAdmin"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A position, and the notification logs that there are to read."""

    position: Position
    follower_url: str
    upstream_url: str


@admin.register(TrackingRecord)
class TrackingAdmin(ReadOnlyAdmin):
    """Shows how far each follower is behind the log that it follows."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the positions, those of followers that have not started yet too."""
        self.check_reading(request)
        places = find_places()
        logs = readable_logs(self.admin_site, request)
        return self.page(
            request,
            "positions.html",
            self.list_title,
            rows=[_row(position, places, logs) for position in find_positions(places)],
            problems=places.problems,
            has_databases=len(places.databases) > 1,
            **(extra_context or {}),
        )

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lead to the list, which shows all that there is of a position."""
        self.check_reading(request)
        return redirect(self.url("changelist"))


def _row(position: Position, places: Places, logs: NotificationLogPages | None) -> Row:
    def url(name: str) -> str:
        own = follower_name(name)
        place = places.find(own, system=position.system) if position.system else None
        return "" if logs is None or place is None else logs.log_url(place)

    return Row(
        position=position,
        follower_url=url(position.shadow_of or position.follower),
        upstream_url=url(position.upstream),
    )
