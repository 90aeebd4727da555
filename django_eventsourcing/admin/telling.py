"""Telling: what the pages share on which followers are told something, and it is put on record."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import Error as DatabaseError
from django.db import router, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from django_eventsourcing.admin.looks import FollowerLook, Look, look_at, look_at_follower
from django_eventsourcing.admin.orders import ReasonForm
from django_eventsourcing.admin.places import find_places
from django_eventsourcing.admin.read_only import ReadOnlyAdmin
from django_eventsourcing.errors import OperationError
from django_eventsourcing.management.prospects import is_run_by_workers, prospect_of
from django_eventsourcing.models import MonitoredSystem
from django_eventsourcing.payloads import visible
from django_eventsourcing.reading import in_one_line, separate_look
from django_eventsourcing.registry import ConfiguredSystem
from eventsourcing.exceptions import EventSourcingError

__all__ = ["FAULTS", "TellingPages", "untellable"]

FAULTS = (DatabaseError, EventSourcingError, ImproperlyConfigured)
"""Why nothing comes of what a follower is told; anything else is a fault of the pages."""


class TellingPages(ReadOnlyAdmin):
    """Finds followers, checks who tells them something, and puts that on record."""

    def follower_url(self, name: str) -> str:
        """Return the URL of the page of the follower, or segment."""
        return self.url("change", quote(name))

    def look_at(self, system: ConfiguredSystem) -> Look:
        """Return how the system is doing, with the URLs of its followers' pages."""
        return look_at(system, {name: self.follower_url(name) for name in system.runs})

    def look_at_follower(
        self, system: ConfiguredSystem, name: str
    ) -> tuple[FollowerLook | None, str]:
        """Return how the follower is doing; or ``None``, and why it cannot be looked at."""
        try:
            return look_at_follower(system, name, self.follower_url(name)), ""
        except FAULTS as error:
            return None, in_one_line(error)

    def refusal_to_tell(self, system: ConfiguredSystem, name: str) -> str:
        """Return what ``untellable()`` does, by one query, without a look at the whole system."""
        try:
            with separate_look(system.database_of(name)):
                return "" if is_run_by_workers(system, name) else _untold()
        except FAULTS:
            return ""

    def find_follower(self, object_id: str) -> tuple[ConfiguredSystem, str]:
        """Return the system and the name of the follower that a URL names."""
        name = unquote(object_id)
        for system in find_places().systems:
            if name in system.runs:
                return system, name
        raise Http404(_("There is no such follower in the configured systems."))

    def refused_method(self, request: HttpRequest, allowed: bool) -> HttpResponse | None:
        """Return the answer to what is no POST; raise unless the user is ``allowed`` to send it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not allowed:
            raise PermissionDenied
        return None

    def reason_of(self, request: HttpRequest, *, needed: object = "") -> str | None:
        """Return the reason that is given; tell what is wrong with it, and return ``None``."""
        form = ReasonForm(request.POST, needed=needed)
        if form.is_valid():
            return str(form.cleaned_data["reason"])
        for error in form.errors.get("reason", []):
            self.message_user(request, str(error), messages.ERROR)
        return None

    def put_on_record(
        self, request: HttpRequest, name: str, entry: str, act: Callable[[], object]
    ) -> bool:
        """Do it, with an entry in the follower's history; tell why if it cannot be done."""
        try:
            # What is not on record is not done, nor is what fails put on record.
            with transaction.atomic(using=router.db_for_write(LogEntry)):
                self.log_change(request, MonitoredSystem(name=name), entry)
                act()
        except FAULTS as error:
            self.tell_fault(request, name, error)
            return False
        return True

    def tell_fault(self, request: HttpRequest, name: str, error: Exception) -> None:
        """Tell why the follower could not be told."""
        if isinstance(error, OperationError):
            # What operators ask for is refused in words that are for them.
            self.message_user(request, visible(str(error)), messages.ERROR)
            return
        text = _("%(follower)s could not be told: %(error)s")
        values = {"follower": name, "error": visible(in_one_line(error))}
        self.message_user(request, text % values, messages.ERROR)

    def warn_of_waiting(self, request: HttpRequest, system: ConfiguredSystem, name: str) -> None:
        """Tell what the follower waits for before it does anything, if it does."""
        try:
            waits_for = prospect_of(system, name).waits_for
        except DatabaseError as error:
            self.tell_fault(request, name, error)
            return
        if waits_for is not None:
            self.message_user(request, _waiting(name, waits_for), messages.WARNING)

    def refuse(self, request: HttpRequest, name: str, text: str) -> HttpResponse:
        """Tell why nothing is done, and lead back to the page of the follower."""
        self.message_user(request, text % {"follower": name}, messages.ERROR)
        return redirect(self.follower_url(name))


def untellable(follower: FollowerLook | None) -> str:
    """Return why the follower cannot be told anything; an empty text if it can."""
    # One that cannot be looked at may be told: what is wrong then shows.
    if follower is None or follower.is_told:
        return ""
    return _untold()


def _untold() -> str:
    return _("%(follower)s is run by no worker, so that it cannot be told anything.")


def _waiting(name: str, waits_for: str) -> str:
    text = (
        _("%(follower)s is paused: it does so when it is resumed.")
        if waits_for == "resume"
        else _("No worker runs %(follower)s now: it does so when manage.py run_system runs it.")
    )
    return text % {"follower": name}
