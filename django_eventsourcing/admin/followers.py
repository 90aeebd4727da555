"""Followers: a page for each, on which operators tell it what to do."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote, unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseError
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from django_eventsourcing.admin.looks import FollowerLook, Look, look_at
from django_eventsourcing.admin.orders import ORDERS, Order, ReasonForm
from django_eventsourcing.admin.permissions import may_operate
from django_eventsourcing.admin.places import find_places
from django_eventsourcing.admin.read_only import ReadOnlyAdmin
from django_eventsourcing.management.prospects import prospect_of
from django_eventsourcing.models import MonitoredSystem
from django_eventsourcing.reading import in_one_line
from django_eventsourcing.registry import ConfiguredSystem

__all__ = ["FollowerPages"]

HISTORY_LENGTH = 10


class FollowerPages(ReadOnlyAdmin):
    """A page for each follower, or segment, and the orders that are given there."""

    def get_pages(self) -> list[URLPattern]:
        prefix = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        view = self.admin_site.admin_view(self.order_view)
        return [
            path(f"<str:object_id>/{name}/", view, {"order": order}, name=f"{prefix}_{name}")
            for name, order in ORDERS.items()
        ] + super().get_pages()

    def follower_url(self, name: str) -> str:
        """Return the URL of the page of the follower, or segment."""
        return self.url("change", quote(name))

    def look_at(self, system: ConfiguredSystem) -> Look:
        """Return how the system is doing, with the URLs of its followers' pages."""
        return look_at(system, {name: self.follower_url(name) for name in system.runs})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a follower: its positions, its state, its last error, and what it was told."""
        self.check_reading(request)
        name = unquote(object_id)
        look = self.look_at(_find_system(name))
        follower = look.find(name)
        can_operate = may_operate(request) and _can_be_told(follower)
        return self.page(
            request,
            "follower.html",
            name,
            trail=[self.list_link],
            look=look,
            follower=follower,
            problems=look.problems,
            form=ReasonForm(auto_id="id_%s", label_suffix=""),
            orders=list(self._orders(follower)) if can_operate else [],
            history=self._history(name),
            **(extra_context or {}),
        )

    def order_view(self, request: HttpRequest, object_id: str, order: Order) -> HttpResponse:
        """Tell the follower what to do, put that on record, and lead back to its page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not may_operate(request):
            raise PermissionDenied
        name = unquote(object_id)
        system = _find_system(name)
        form = ReasonForm(request.POST)
        form.fields["reason"].required = order.needs_reason
        if not form.is_valid():
            for error in form.errors.get("reason", []):
                self.message_user(request, str(error), messages.ERROR)
        elif refusal := _refusal(self.look_at(system).find(name), order):
            self.message_user(request, refusal % {"follower": name}, messages.ERROR)
        else:
            self._give(request, system, name, order, form.cleaned_data["reason"])
        return redirect(self.follower_url(name))

    def _give(
        self, request: HttpRequest, system: ConfiguredSystem, name: str, order: Order, reason: str
    ) -> None:
        entry = f"{order.entry}: {reason}" if reason else str(order.entry)
        try:
            # What is not on record is not done, nor is what fails put on record.
            with transaction.atomic(using=router.db_for_write(LogEntry)):
                self.log_change(request, MonitoredSystem(name=name), entry)
                order.give(system, name, f"{reason} ({request.user.get_username()})")
            waits_for = prospect_of(system, name).waits_for if order.is_for_work else None
        except DatabaseError as error:
            text = _("%(follower)s could not be told: %(error)s")
            values = {"follower": name, "error": in_one_line(error)}
            self.message_user(request, text % values, messages.ERROR)
            return
        self.message_user(request, order.done % {"follower": name}, messages.SUCCESS)
        if waits_for is not None:
            self.message_user(request, _waiting(name, waits_for), messages.WARNING)

    def _orders(self, follower: FollowerLook | None) -> Iterator[tuple[Order, str]]:
        """Yield what the follower can be told as it is, with the URLs to send it to."""
        if follower is None:
            return
        names = ["pause" if follower.status.is_wanted else "resume"]
        if follower.has_failed:
            names.append("retry")
        for name in names:
            yield ORDERS[name], self.url(name, quote(follower.name))

    def _history(self, name: str) -> QuerySet[LogEntry]:
        """Return what the follower was told last, the newest first."""
        kind = ContentType.objects.get_for_model(self.model, for_concrete_model=False)
        entries = LogEntry.objects.filter(content_type=kind, object_id=name)
        return entries.select_related("user").order_by("-action_time", "-id")[:HISTORY_LENGTH]


def _find_system(name: str) -> ConfiguredSystem:
    for system in find_places().systems:
        if name in system.runs:
            return system
    raise Http404(_("There is no such follower in the configured systems."))


def _can_be_told(follower: FollowerLook | None) -> bool:
    # One that cannot be looked at may be told: what is wrong then shows.
    return follower is None or follower.is_told


def _refusal(follower: FollowerLook | None, order: Order) -> str:
    """Return why nothing would come of the order; an empty text if something may."""
    if not _can_be_told(follower):
        return _("%(follower)s is run by no worker, so that it cannot be told anything.")
    if order.needs_failure and follower is not None and not follower.has_failed:
        return _("%(follower)s has not failed: there is nothing to try again.")
    return ""


def _waiting(name: str, waits_for: str) -> str:
    text = (
        _("%(follower)s is paused: it does so when it is resumed.")
        if waits_for == "resume"
        else _("No worker runs %(follower)s now: it does so when manage.py run_system runs it.")
    )
    return text % {"follower": name}
