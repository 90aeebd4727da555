"""Parked: what is done about the dead letters of a follower, as much as a request has time for."""

import time
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_eventsourcing.admin.letters import counted_letters, look_at_letter
from django_eventsourcing.admin.looks import shown_count
from django_eventsourcing.admin.next_event import NextEventPages
from django_eventsourcing.admin.paging import parse_id
from django_eventsourcing.admin.permissions import may_manage, may_operate
from django_eventsourcing.admin.places import find_places
from django_eventsourcing.admin.telling import FAULTS
from django_eventsourcing.dead_letters import Retried, discard, parked, retry
from django_eventsourcing.models import DeadLetterRecord
from django_eventsourcing.payloads import visible
from django_eventsourcing.registry import ConfiguredSystem

__all__ = ["ParkedPages"]

MOST_LETTERS = 100
"""Letters that are processed in one request, at most."""
MOST_SECONDS = 10.0
"""Seconds after which a request begins with no further letter."""


class ParkedPages(NextEventPages):
    """Retries, dry-runs and discards what followers have set aside."""

    def get_pages(self) -> list[URLPattern]:
        prefix = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        view = self.admin_site.admin_view
        return [
            path(
                f"<str:object_id>/{name}/",
                view(getattr(self, f"{name.replace('-', '_')}_view")),
                name=f"{prefix}_{name.replace('-', '_')}",
            )
            for name in ("retry-parked", "dry-run-parked", "discard")
        ] + super().get_pages()

    def retry_parked_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Process one letter, those of its aggregate, or all; say how many are left."""
        if refused := self.refused_method(request, may_operate(request)):
            return refused
        system, name = self.find_follower(object_id)
        reason = self.reason_of(request)
        letter = None if request.POST.get("which") == "all" else self._letter(request, system, name)
        if reason is None:
            return self._back(request, name, letter)
        which, chosen = self._chosen(request, letter)
        entry = f"{which}: {reason}" if reason else which
        # On record before it is done: each letter has a transaction of its own.
        if self.put_on_record(request, name, entry, lambda: None):
            by = request.user.get_username()
            self._retry(request, system, name, retry(system, name, by=by, **chosen))
        return self._back(request, name, letter)

    def dry_run_parked_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what processing a letter would do."""
        if refused := self.refused_method(request, may_operate(request)):
            return refused
        system, name = self.find_follower(object_id)
        letter = self._letter(request, system, name)
        return self.dry_run_page(
            request, system, name, letter.upstream_name, letter.notification_id
        )

    def discard_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give up a letter."""
        if refused := self.refused_method(request, may_manage(request)):
            return refused
        system, name = self.find_follower(object_id)
        letter = self._letter(request, system, name)
        reason = self.reason_of(
            request, needed=_("A dead letter is not discarded without a reason.")
        )
        if reason is not None:
            values = {
                "id": letter.notification_id,
                "upstream": letter.upstream_name,
                "reason": reason,
            }
            if self.put_on_record(
                request,
                name,
                _("Discarded notification %(id)d of %(upstream)s: %(reason)s") % values,
                lambda: discard(
                    system,
                    name,
                    letter.notification_id,
                    upstream_name=letter.upstream_name,
                    reason=reason,
                    by=request.user.get_username(),
                ),
            ):
                done = _("Notification %(id)d of %(upstream)s is discarded.")
                self.message_user(request, done % values, messages.SUCCESS)
        return self._back(request, name, letter)

    def _letter(
        self, request: HttpRequest, system: ConfiguredSystem, name: str
    ) -> DeadLetterRecord:
        """Return the follower's letter that the form names."""
        number = parse_id(request.POST.get("letter", ""))
        if system.is_persisted(name) and number is not None:
            letters = DeadLetterRecord.objects.using(system.database_of(name))
            found = letters.filter(application_name=name, pk=number).first()
            if found is not None:
                return found
        raise Http404(_("The follower has no such dead letter."))

    def _chosen(
        self, request: HttpRequest, letter: DeadLetterRecord | None
    ) -> tuple[str, dict[str, Any]]:
        """Return what the history keeps, and what is to be tried."""
        if letter is None:
            return _("Retried all that is parked"), {}
        if request.POST.get("which") == "aggregate":
            entry = _("Retried what is parked of aggregate %(id)s of %(upstream)s")
            chosen: dict[str, Any] = {"originator_id": letter.originator_id}
            which: str | int = letter.originator_id
        else:
            entry = _("Retried notification %(id)s of %(upstream)s")
            chosen = {"notification_id": letter.notification_id}
            which = letter.notification_id
        upstream = letter.upstream_name
        return entry % {"id": which, "upstream": upstream}, {**chosen, "upstream_name": upstream}

    def _retry(
        self,
        request: HttpRequest,
        system: ConfiguredSystem,
        name: str,
        tries: Iterator[Retried],
    ) -> None:
        done: list[Retried] = []
        started = time.monotonic()
        try:
            for tried in tries:
                done.append(tried)
                if len(done) >= MOST_LETTERS or time.monotonic() - started > MOST_SECONDS:
                    break
            left = counted_letters(parked(system, name))
        except FAULTS as error:
            self.tell_fault(request, name, error)
            left = None
        failed = [tried for tried in done if tried.error]
        if number := len(done) - len(failed):
            text = ngettext(
                "%(count)d notification has been processed.",
                "%(count)d notifications have been processed.",
                number,
            )
            self.message_user(request, text % {"count": number}, messages.SUCCESS)
        for tried in failed[:3]:
            text = _("Notification %(id)d of %(upstream)s has failed again: %(error)s")
            values = {
                "id": tried.notification_id,
                "upstream": tried.upstream_name,
                "error": visible(tried.error),
            }
            self.message_user(request, text % values, messages.ERROR)
        if left is not None and left[0]:
            text = ngettext(
                "%(follower)s has %(count)s notification parked yet.",
                "%(follower)s has %(count)s notifications parked yet.",
                left[0],
            )
            count = shown_count(left[0], is_more=left[1])
            values = {"follower": name, "count": count}
            self.message_user(request, text % values, messages.WARNING)
        elif left is not None and not done:
            text = _("%(follower)s has nothing parked: nothing has been tried.")
            self.message_user(request, text % {"follower": name}, messages.WARNING)

    def _back(
        self, request: HttpRequest, name: str, letter: DeadLetterRecord | None
    ) -> HttpResponse:
        """Lead back to the page on which the form was."""
        if letter is not None and request.POST.get("from") == "letter":
            look = look_at_letter(self.admin_site, request, letter, find_places())
            if look.url:
                return redirect(look.url)
        return redirect(self.follower_url(name))
