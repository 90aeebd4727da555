"""Followers: a page for each, on which operators tell it what to do."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from django_eventsourcing.admin.event_links import event_url
from django_eventsourcing.admin.letters import Letters, letters_url, look_at_letters
from django_eventsourcing.admin.looks import FollowerLook
from django_eventsourcing.admin.orders import ORDERS, Order, ReasonForm
from django_eventsourcing.admin.permissions import may_manage, may_operate, may_see_payloads
from django_eventsourcing.admin.places import Place
from django_eventsourcing.admin.rebuilds import RebuildPages, can_be_rebuilt
from django_eventsourcing.admin.resets import can_be_reset
from django_eventsourcing.admin.states import draw_states
from django_eventsourcing.admin.telling import FAULTS, untellable
from django_eventsourcing.dead_letters import parked
from django_eventsourcing.reading import separate_look
from django_eventsourcing.registry import ConfiguredSystem

__all__ = ["FollowerPages"]

HISTORY_LENGTH = 10
LETTERS = 20
"""Dead letters that are shown on the page of a follower; the others have a list of their own."""


class FollowerPages(RebuildPages):
    """A page for each follower, or segment, and the orders that are given there."""

    def get_pages(self) -> list[URLPattern]:
        prefix = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        view = self.admin_site.admin_view(self.order_view)
        return [
            path(f"<str:object_id>/{name}/", view, {"order": order}, name=f"{prefix}_{name}")
            for name, order in ORDERS.items()
        ] + super().get_pages()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a follower: positions, state, last error, dead letters, and what it was told."""
        self.check_reading(request)
        system, name = self.find_follower(object_id)
        follower, fault = self.look_at_follower(system, name)
        rebuild, other_fault = self.rebuild_of(system, name)
        notices = rebuild.notices if rebuild else ()
        is_told = not untellable(follower)
        can_operate, can_manage = (is_told and may(request) for may in (may_operate, may_manage))
        return self.live_page(
            request,
            "follower",
            name,
            trail=[self.list_link],
            system_alias=system.alias,
            follower=follower,
            diagram=draw_states(follower) if follower else None,
            problems=[*dict.fromkeys(filter(None, (fault, other_fault))), *notices],
            form=ReasonForm(needed=ORDERS["pause"].needed),
            orders=list(self._orders(follower)) if can_operate else [],
            dry_run_url=self.url("dry_run", quote(name)) if can_operate and follower else "",
            skip_url=self.url("skip", quote(name)) if can_manage and follower else "",
            reset_url=self.url("reset", quote(name))
            if can_manage and follower and can_be_reset(system, name)
            else "",
            rebuild=rebuild,
            rebuild_url=self.url("rebuild", quote(name))
            if can_manage and follower and can_be_rebuilt(system, name)
            else "",
            retry_url=self.url("retry_parked", quote(name)) if can_operate else "",
            letters=self._letters(request, system, name),
            letters_url=letters_url(self.admin_site, request, name),
            failed_url=self._failed_url(request, system, follower),
            may_see=may_see_payloads(request),
            history=self._history(name),
            **(extra_context or {}),
        )

    def order_view(self, request: HttpRequest, object_id: str, order: Order) -> HttpResponse:
        """Tell the follower what to do, put that on record, and lead back to its page."""
        if refused := self.refused_method(request, may_operate(request)):
            return refused
        system, name = self.find_follower(object_id)
        reason = self.reason_of(request, needed=order.needed)
        if reason is None:
            return redirect(self.follower_url(name))
        follower, _fault = self.look_at_follower(system, name)
        if refusal := _refusal(follower, order):
            return self.refuse(request, name, refusal)
        entry = f"{order.entry}: {reason}" if reason else str(order.entry)
        full = f"{reason} ({request.user.get_username()})"
        if self.put_on_record(request, name, entry, lambda: order.give(system, name, full)):
            self.message_user(request, order.done % {"follower": name}, messages.SUCCESS)
            if order.is_for_work:
                self.warn_of_waiting(request, system, name)
        return redirect(self.follower_url(name))

    def _orders(self, follower: FollowerLook | None) -> Iterator[tuple[Order, str]]:
        """Yield what the follower can be told as it is, with the URLs to send it to."""
        if follower is None:
            return
        names = ["pause" if follower.status.is_wanted else "resume"]
        if follower.has_failed:
            names.append("retry")
        for name in names:
            yield ORDERS[name], self.url(name, quote(follower.name))

    def _letters(self, request: HttpRequest, system: ConfiguredSystem, name: str) -> Letters | None:
        """Return the first of what is parked; ``None`` if it cannot be read, as the state says."""
        if not system.is_persisted(name):
            return Letters(looks=[])
        try:
            with separate_look(system.database_of(name)):
                return look_at_letters(
                    self.admin_site, request, parked(system, name), limit=LETTERS
                )
        except FAULTS:
            return None

    def _failed_url(
        self, request: HttpRequest, system: ConfiguredSystem, follower: FollowerLook | None
    ) -> str:
        """Return the URL of the page of the event that has failed, if it may be viewed."""
        number = follower.status.failed_notification if follower else None
        if follower is None or number is None:
            return ""
        upstream: Any = Place(system=system, name=follower.status.failed_upstream)
        if not system.has(upstream.name):
            return ""
        return event_url(self.admin_site, request, upstream, number)

    def _history(self, name: str) -> QuerySet[LogEntry]:
        """Return what the follower was told last, the newest first."""
        kind = ContentType.objects.get_for_model(self.model, for_concrete_model=False)
        entries = LogEntry.objects.filter(content_type=kind, object_id=name)
        return entries.select_related("user").order_by("-action_time", "-id")[:HISTORY_LENGTH]


def _refusal(follower: FollowerLook | None, order: Order) -> str:
    """Return why nothing would come of the order; an empty text if something may."""
    if refusal := untellable(follower):
        return refusal
    if order.needs_failure and follower is not None and not follower.has_failed:
        return _("%(follower)s has not failed: there is nothing to try again.")
    return ""
