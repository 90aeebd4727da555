"""Tracking: the positions of all followers on one page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from django_eventsourcing.admin.places import find_places
from django_eventsourcing.admin.positions import find_positions
from django_eventsourcing.admin.read_only import ReadOnlyAdmin
from django_eventsourcing.models import TrackingRecord

__all__ = ["TrackingAdmin"]


@admin.register(TrackingRecord)
class TrackingAdmin(ReadOnlyAdmin):
    """Shows how far each follower is behind the log that it follows."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the positions, those of followers that have not started yet too."""
        self.check_reading(request)
        places = find_places()
        return self.page(
            request,
            "positions.html",
            self.list_title,
            positions=find_positions(places),
            problems=places.problems,
            has_databases=len(places.databases) > 1,
            **(extra_context or {}),
        )

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lead to the list, which shows all that there is of a position."""
        self.check_reading(request)
        return redirect(self.url("changelist"))
