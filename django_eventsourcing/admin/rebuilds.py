"""Rebuilds: what it means to make a projection's rows again, which is then requested of workers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_eventsourcing.admin.looks import shown_count, shown_time
from django_eventsourcing.admin.orders import TypedNameForm
from django_eventsourcing.admin.permissions import may_manage
from django_eventsourcing.admin.resets import ResetPages
from django_eventsourcing.admin.telling import FAULTS
from django_eventsourcing.errors import OperationError
from django_eventsourcing.management.prospects import has_worker
from django_eventsourcing.models import ProjectionRecord, RebuildRequest
from django_eventsourcing.payloads import visible
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.reading import in_one_line, separate_look
from django_eventsourcing.rebuilding import (
    REBUILDS,
    Rebuild,
    RebuildPlan,
    Requests,
    request_rebuild,
)
from django_eventsourcing.rebuilding.rebuild import REASON
from django_eventsourcing.rebuilding.records import is_taken, time_of
from django_eventsourcing.rebuilding.refusals import require_not_paused
from django_eventsourcing.rebuilding.surveys import Survey
from django_eventsourcing.rebuilding.versions import notices_of
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.wording import for_reader

__all__ = ["RebuildLook", "RebuildPages", "can_be_rebuilt", "look_at_rebuild"]

Kind = ProjectionRecord.Kind

_LABELS: Mapping[str, Promise] = {
    Kind.SHADOW: gettext_lazy("By shadow"),
    Kind.IN_PLACE: gettext_lazy("In place"),
}
_EFFECTS: Mapping[str, Promise] = {
    Kind.SHADOW: gettext_lazy(
        "A second set of tables is filled while the first one serves; then it takes its place, all "
        "at once. It needs room for both."
    ),
    Kind.IN_PLACE: gettext_lazy(
        "Readers see an emptied table that fills again. The projection processes nothing else "
        "meanwhile."
    ),
}


@dataclass(frozen=True, kw_only=True)
class PlanLook:
    """One kind of rebuild as the page shows it."""

    kind: str
    plan: RebuildPlan | None
    refusal: str = ""
    """Why it cannot be done; empty if it can."""

    @property
    def label(self) -> str:
        """The kind, in words."""
        return str(_LABELS[self.kind])

    @property
    def effect(self) -> str:
        """What readers and workers see of it."""
        return str(_EFFECTS[self.kind])

    @property
    def rows(self) -> list[tuple[str, str]]:
        """How many rows of which models are removed."""
        rows = self.plan.rows if self.plan else {}
        return [(label, shown_count(n.number, is_more=n.is_bound)) for label, n in rows.items()]

    @property
    def events(self) -> list[tuple[str, str]]:
        """How many events of which logs are processed."""
        events = self.plan.events if self.plan else {}
        at_most = _("%(many)s at most")
        return [
            (
                name,
                at_most % {"many": shown_count(n.number)} if n.is_bound else shown_count(n.number),
            )
            for name, n in events.items()
        ]

    @property
    def time(self) -> str:
        """How long it may take, at most."""
        if self.plan is None or self.plan.seconds is None:
            return _("not known: no rebuild has been measured yet")
        return shown_time(self.plan.seconds)


@dataclass(frozen=True, kw_only=True)
class RebuildLook:
    """What is requested of a projection, and what is under way, as pages show it."""

    record: ProjectionRecord | None = None
    """The rebuild under way, or left before it was done."""
    holder: str = ""
    """The process that does it; empty if none does."""
    percent: int | None = None
    """How much of the logs, as they were when it was begun, it has processed."""
    request: RebuildRequest | None = None
    is_in_force: bool = False
    """Whether a worker that lives has taken the request."""
    has_worker: bool = False
    """Whether any worker could."""
    notices: Sequence[str] = ()
    """What is to be known of the rows besides."""

    @property
    def is_of_note(self) -> bool:
        """Whether there is anything to show."""
        return self.request is not None or self.record is not None

    @property
    def kind(self) -> str:
        """How it is done."""
        of = self.record or self.request
        return str(_LABELS[of.kind]) if of else ""

    @property
    def state(self) -> str:
        """How far it is, in words."""
        if self.holder:
            return _("under way, by %(worker)s") % {"worker": self.holder}
        request = self.request
        if request is None:
            return _("was ended before it was done: request it again, and it goes on")
        if request.error:
            return _("has failed: %(error)s") % {"error": visible(request.error)}
        if self.is_in_force:
            return _("taken by %(worker)s, which begins it") % {"worker": request.taken_by}
        if not self.has_worker:
            return _("waits: no worker runs it. Start manage.py run_system.")
        if self.record is not None:
            return _("was ended before it was done: a worker is about to go on with it")
        return _("waits: a worker is about to take it")

    @property
    def requested(self) -> str:
        """By whom it was requested, and when; empty if it was not."""
        request = self.request
        if request is None:
            return ""
        by = request.requested_by or _("somebody")
        return _("by %(user)s, at %(time)s") % {"user": by, "time": time_of(request.requested_at)}

    @property
    def begun(self) -> str:
        """When it was begun; empty if it was not."""
        return time_of(self.record.started_at) if self.record else ""

    @property
    def reason(self) -> str:
        """Why it was requested."""
        return visible(self.request.reason) if self.request else ""

    @property
    def can_be_withdrawn(self) -> bool:
        """Whether there is a request that no worker is at."""
        return bool(self.request) and not (self.holder or self.is_in_force)

    @property
    def can_be_requested(self) -> bool:
        """Whether there is no request, other than one that has failed, and nobody is at it."""
        return not self.holder and (self.request is None or bool(self.request.error))


class RebuildForm(TypedNameForm):
    """Which kind of rebuild, why, and the name of the follower, typed."""

    kind = forms.ChoiceField(
        label=gettext_lazy("How"),
        choices=[(str(kind), label) for kind, label in _LABELS.items()],
        error_messages={"required": gettext_lazy("Nothing is rebuilt: choose how.")},
        widget=forms.RadioSelect,
    )

    def __init__(self, data: QueryDict | None, name: str, kinds: list[str] | None = None) -> None:
        super().__init__(data, name, needed=_("A projection is not rebuilt without a reason."))
        if kinds is not None:
            field: Any = self.fields["kind"]
            field.choices = [(kind, _LABELS[kind]) for kind in kinds]
            field.initial = kinds[0] if kinds else None


def can_be_rebuilt(system: ConfiguredSystem, name: str) -> bool:
    """Tell whether the follower, or that of the segment, is a projection kept in a database."""
    return issubclass(system.class_of(name), ModelProjection) and system.is_persisted(name)


def look_at_rebuild(survey: Survey) -> RebuildLook:
    """Return what is requested of the projection, and what is under way."""
    system, request = survey.system, survey.request
    is_under_way = survey.under_way is not None
    return RebuildLook(
        record=survey.under_way,
        holder=str(survey.holder or "") if is_under_way else "",
        percent=survey.percent if is_under_way else None,
        request=request,
        is_in_force=request is not None and is_taken(survey.record),
        has_worker=request is not None
        and not request.error
        and has_worker(system, *system.runs_of(survey.follower)),
        notices=[for_reader(notice.words) for notice in notices_of(survey)],
    )


class RebuildPages(ResetPages):
    """Shows what a rebuild would do, puts the request for it on record, and takes that back."""

    def get_pages(self) -> list[URLPattern]:
        prefix = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        views = {"rebuild": self.rebuild_view, "withdraw_rebuild": self.withdraw_rebuild_view}
        return [
            path(
                f"<str:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"{prefix}_{name}",
            )
            for name, view in views.items()
        ] + super().get_pages()

    def rebuild_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show both kinds of rebuild, or why there can be none; request the one that is chosen."""
        if not may_manage(request):
            raise PermissionDenied
        system, name = self.find_follower(object_id)
        if not can_be_rebuilt(system, name):
            text = _("%(follower)s is no model projection: there are no rows to be made again.")
            return self.refuse(request, name, text)
        if refusal := self.refusal_to_tell(system, name):
            return self.refuse(request, name, refusal)
        whole = system.application_of(name)
        if request.method == "POST":
            return self._request_rebuild(request, system, name)
        problems: list[str] = []
        look: RebuildLook | None = None
        plans: list[PlanLook] = []
        survey = Survey(system, whole)
        try:
            with separate_look(system.database_of(whole)):
                look = look_at_rebuild(survey)
            if look.can_be_requested:
                plans = self._plans(survey)
        except FAULTS as error:
            problems.append(visible(in_one_line(error)))
        kinds = [each.kind for each in plans if not each.refusal]
        return self.page(
            request,
            "rebuild.html",
            _("Rebuild"),
            trail=[self.list_link, (name, self.follower_url(name))],
            problems=problems,
            follower=whole,
            is_split=len(system.runs_of(whole)) > 1,
            follower_url=self.follower_url(name),
            rebuild=look,
            plans=plans,
            form=RebuildForm(None, whole, kinds) if kinds else None,
            withdraw_url=self.url("withdraw_rebuild", quote(name))
            if look and look.can_be_withdrawn
            else "",
        )

    def withdraw_rebuild_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take back what was requested, as long as no worker is at it."""
        if refused := self.refused_method(request, may_manage(request)):
            return refused
        system, name = self.find_follower(object_id)
        reason = self.reason_of(request)
        if reason is None:
            return redirect(self.url("rebuild", quote(name)))
        whole = system.application_of(name)
        entry = _("Withdrew the request for a rebuild")
        if self.put_on_record(
            request,
            name,
            f"{entry}: {reason}" if reason else entry,
            lambda: Requests(system.database_of(whole)).withdraw(whole),
        ):
            text = _("The request for a rebuild of %(follower)s is withdrawn.")
            self.message_user(request, text % {"follower": whole}, messages.SUCCESS)
        return redirect(self.follower_url(name))

    def rebuild_of(self, system: ConfiguredSystem, name: str) -> tuple[RebuildLook | None, str]:
        """Return how a rebuild of the follower stands, if there may be any; or why not."""
        if not can_be_rebuilt(system, name):
            return None, ""
        try:
            with separate_look(system.database_of(name)):
                return look_at_rebuild(Survey(system, system.application_of(name))), ""
        except FAULTS as error:
            return None, visible(in_one_line(error))

    def _plans(self, survey: Survey) -> list[PlanLook]:
        """Return both kinds of rebuild; what they have in common is asked for once."""
        system, name = survey.system, survey.follower
        rebuilds = [cls(system, name) for cls in REBUILDS.values()]
        alias = system.database_of(name)
        impossible = _refusal_by(alias, lambda: rebuilds[0].require_possible(survey))
        if impossible:
            return [PlanLook(kind=each.kind, plan=None, refusal=impossible) for each in rebuilds]
        paused = _refusal_by(alias, lambda: require_not_paused(system, name, REASON))
        return [self._plan(rebuild, survey, paused) for rebuild in rebuilds]

    def _plan(self, rebuild: Rebuild, survey: Survey, paused: str) -> PlanLook:
        try:
            with separate_look(rebuild.alias):
                plan = rebuild.plan_by(survey)
                if paused:
                    return PlanLook(kind=rebuild.kind, plan=None, refusal=paused)
                rebuild.require_claimable(survey)
        except OperationError as error:
            return PlanLook(kind=rebuild.kind, plan=None, refusal=visible(str(error)))
        return PlanLook(kind=rebuild.kind, plan=plan)

    def _request_rebuild(
        self, request: HttpRequest, system: ConfiguredSystem, name: str
    ) -> HttpResponse:
        whole = system.application_of(name)
        form = RebuildForm(request.POST, whole)
        if not form.is_valid():
            for errors in form.errors.values():
                for error in errors:
                    self.message_user(request, str(error), messages.ERROR)
            return redirect(self.url("rebuild", quote(name)))
        kind, reason = form.cleaned_data["kind"], form.cleaned_data["reason"]
        by = request.user.get_username()
        said = {"kind": _LABELS[kind], "reason": reason, "follower": whole}
        if self.put_on_record(
            request,
            name,
            _("Requested a rebuild, %(kind)s: %(reason)s") % said,
            lambda: request_rebuild(system, whole, kind, reason=reason, by=by),
        ):
            text = _("A rebuild of %(follower)s is requested.") % said
            self.message_user(request, text, messages.SUCCESS)
            self._warn_of_no_worker(request, system, whole)
        return redirect(self.follower_url(name))

    def _warn_of_no_worker(self, request: HttpRequest, system: ConfiguredSystem, name: str) -> None:
        try:
            if has_worker(system, *system.runs_of(name)):
                return
        except DatabaseError as error:
            self.tell_fault(request, name, error)
            return
        text = _("No worker runs it: start manage.py run_system.")
        self.message_user(request, text, messages.WARNING)


def _refusal_by(alias: str, check: Callable[[], object]) -> str:
    """Return why the check, which reads the database, refuses a rebuild; empty if it does not."""
    try:
        with separate_look(alias):
            check()
    except OperationError as error:
        return visible(str(error))
    return ""
