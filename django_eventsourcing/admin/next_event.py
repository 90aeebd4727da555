"""Next event: what a follower would do with it, tried and taken back; and going on without it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from django_eventsourcing.admin.event_links import event_pages, event_url
from django_eventsourcing.admin.names import class_name, split_at_dots
from django_eventsourcing.admin.orders import ReasonForm
from django_eventsourcing.admin.paging import parse_id
from django_eventsourcing.admin.payloads import Payload, read_payload, readable_json
from django_eventsourcing.admin.permissions import may_manage, may_operate, may_see_payloads
from django_eventsourcing.admin.places import Place
from django_eventsourcing.admin.telling import FAULTS, TellingPages, untellable
from django_eventsourcing.dead_letters import DryRun, NewEvent, dry_run, skip, stopped_at
from django_eventsourcing.payloads import visible
from django_eventsourcing.reading import separate_look
from django_eventsourcing.registry import ConfiguredSystem
from eventsourcing.persistence import Notification

__all__ = ["NextEventPages"]


@dataclass(frozen=True, kw_only=True)
class NextEvent:
    """The event that a follower is to process next."""

    upstream: str
    notification: Notification
    url: str
    """Its page; empty if it may not be viewed."""
    payload: Payload | None
    """``None`` if it may not be seen."""

    @property
    def class_name(self) -> list[str]:
        """The parts of the name of its class, between which a line may break."""
        return split_at_dots(class_name(self.notification.topic))


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """An event that a dry-run would have recorded."""

    event: NewEvent
    data: str
    """Empty if payloads may not be seen."""

    @property
    def class_name(self) -> list[str]:
        """The parts of the name of its class, between which a line may break."""
        return split_at_dots(class_name(self.event.topic))


class NextEventPages(TellingPages):
    """Dry-runs the next event of a follower, and skips it."""

    def get_pages(self) -> list[URLPattern]:
        prefix = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        view = self.admin_site.admin_view
        return [
            path("<str:object_id>/dry-run/", view(self.dry_run_view), name=f"{prefix}_dry_run"),
            path("<str:object_id>/skip/", view(self.skip_view), name=f"{prefix}_skip"),
            *super().get_pages(),
        ]

    def dry_run_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what processing the next event would do; all that stays is that it was tried."""
        if refused := self.refused_method(request, may_operate(request)):
            return refused
        system, name = self.find_follower(object_id)
        if refusal := self.refusal_to_tell(system, name):
            return self.refuse(request, name, refusal)
        try:
            found = stopped_at(system, name)
        except FAULTS as error:
            self.tell_fault(request, name, error)
            return redirect(self.follower_url(name))
        if found is None:
            return self.refuse(request, name, _("%(follower)s has nothing to process now."))
        upstream, notification = found
        return self.dry_run_page(request, system, name, upstream, notification.id)

    def dry_run_page(
        self,
        request: HttpRequest,
        system: ConfiguredSystem,
        name: str,
        upstream: str,
        number: int,
    ) -> HttpResponse:
        """Process the notification, roll that back, and show what it has done."""
        runs: list[DryRun] = []
        entry = _("Dry-run of notification %(id)d of %(upstream)s")
        if not self.put_on_record(
            request,
            name,
            entry % {"id": number, "upstream": upstream},
            lambda: runs.append(dry_run(system, name, upstream, number)),
        ):
            return redirect(self.follower_url(name))
        [run] = runs
        may_see = may_see_payloads(request)
        pages = event_pages(self.admin_site)
        # Before they are recorded, the project has nothing to say of how events are shown.
        is_withheld = may_see and pages is not None and pages.formats_payloads
        return self.page(
            request,
            "dry_run.html",
            _("Dry-run"),
            trail=[self.list_link, (name, self.follower_url(name))],
            follower=name,
            run=run,
            error=visible(run.error),
            class_name=split_at_dots(class_name(run.topic)),
            event_url=self._event_url(request, system, upstream, number),
            events=[
                RecordedEvent(
                    event=each,
                    data=readable_json(each.data) if may_see and not is_withheld else "",
                )
                for each in run.events
            ],
            statements=visible("\n".join(" ".join(each.split()) for each in run.statements)),
            traceback=visible(run.traceback) if may_see else "",
            may_see=may_see,
            is_withheld=is_withheld,
        )

    def skip_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask whether the next event is to be skipped, and why; skip the one that was shown."""
        if not may_manage(request):
            raise PermissionDenied
        system, name = self.find_follower(object_id)
        follower, _fault = self.look_at_follower(system, name)
        if refusal := untellable(follower):
            return self.refuse(request, name, refusal)
        if request.method == "POST":
            return self._skip(request, system, name)
        try:
            with separate_look(system.database_of(name)):
                found = stopped_at(system, name, follower.stopped_in if follower else None)
        except FAULTS as error:
            self.tell_fault(request, name, error)
            return redirect(self.follower_url(name))
        if found is None:
            return self.refuse(request, name, _("%(follower)s has nothing to process now."))
        return self.page(
            request,
            "skip.html",
            _("Skip the next event"),
            trail=[self.list_link, (name, self.follower_url(name))],
            follower=follower,
            next=self._next(request, system, *found),
            form=ReasonForm(needed=_needed()),
        )

    def _skip(self, request: HttpRequest, system: ConfiguredSystem, name: str) -> HttpResponse:
        upstream = request.POST.get("upstream", "")
        number = parse_id(request.POST.get("notification", ""))
        if number is None or upstream not in system.upstreams_of(name):
            return self.refuse(
                request, name, _("Nothing is skipped: the form does not say which notification.")
            )
        reason = self.reason_of(request, needed=_needed())
        if reason is None:
            return redirect(self.url("skip", quote(name)))
        values = {"id": number, "upstream": upstream, "reason": reason, "follower": name}
        if self.put_on_record(
            request,
            name,
            _("Skipped notification %(id)d of %(upstream)s: %(reason)s") % values,
            lambda: skip(
                system,
                name,
                notification_id=number,
                upstream_name=upstream,
                reason=reason,
                by=request.user.get_username(),
            ),
        ):
            done = _("%(follower)s goes on after notification %(id)d of %(upstream)s.")
            self.message_user(request, done % values, messages.SUCCESS)
            self.warn_of_waiting(request, system, name)
        return redirect(self.follower_url(name))

    def _next(
        self,
        request: HttpRequest,
        system: ConfiguredSystem,
        upstream: str,
        notification: Notification,
    ) -> NextEvent:
        place = Place(system=system, name=upstream)
        return NextEvent(
            upstream=upstream,
            notification=notification,
            url=self._event_url(request, system, upstream, notification.id),
            payload=self._payload(request, place, notification),
        )

    def _payload(
        self, request: HttpRequest, place: Place, notification: Notification
    ) -> Payload | None:
        """Return what the event says, as the project has events shown."""
        if not may_see_payloads(request):
            return None
        pages = event_pages(self.admin_site)
        if pages is None:
            return read_payload(place, place.name, notification)
        return pages.shown_payload(request, place, place.name, notification)

    def _event_url(
        self, request: HttpRequest, system: ConfiguredSystem, upstream: str, number: int
    ) -> str:
        place: Any = Place(system=system, name=upstream)
        return event_url(self.admin_site, request, place, number)


def _needed() -> str:
    return _("An event is not skipped without a reason.")
