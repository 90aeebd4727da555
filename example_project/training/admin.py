"""The rows of the dog school in the admin, each with a button that leads to its events."""

from django.contrib import admin
from django.http import HttpRequest

from django_eventsourcing.admin import EventsButtonMixin
from example_project.training.models import DogRow

__all__ = ["DogRowAdmin"]


@admin.register(DogRow)
class DogRowAdmin(EventsButtonMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows dogs; ``Leaderboard`` alone writes them."""

    list_display = ("name", "tricks")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: DogRow | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: DogRow | None = None) -> bool:
        return False
