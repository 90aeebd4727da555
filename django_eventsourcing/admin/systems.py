"""Systems: the dashboard, with the graph of each system, its followers and its workers."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from django_eventsourcing.admin.code_pages import CodePages
from django_eventsourcing.admin.followers import FollowerPages
from django_eventsourcing.admin.graph import Graph, draw
from django_eventsourcing.admin.looks import Look
from django_eventsourcing.admin.places import find_places
from django_eventsourcing.models import MonitoredSystem

__all__ = ["MonitoredSystemAdmin"]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A system on the dashboard."""

    look: Look
    graph: Graph


@admin.register(MonitoredSystem)
class MonitoredSystemAdmin(FollowerPages, CodePages):
    """Shows how the configured systems are doing."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show all systems; one that cannot be read does not hide the others."""
        self.check_reading(request)
        places = find_places()
        looks = [self.look_at(system) for system in places.systems]
        return self.live_page(
            request,
            "systems",
            self.list_title,
            panels=[Panel(look=look, graph=draw(look)) for look in looks],
            problems=places.problems,
            tools=self.get_tools(),
            **(extra_context or {}),
        )
