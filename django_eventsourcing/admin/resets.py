"""Resets: a follower is set to another position of a log, after its name has been typed."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_eventsourcing.admin.looks import shown_count
from django_eventsourcing.admin.orders import TypedNameForm
from django_eventsourcing.admin.paging import MAX_ID
from django_eventsourcing.admin.parked import ParkedPages
from django_eventsourcing.admin.permissions import may_manage
from django_eventsourcing.admin.telling import FAULTS
from django_eventsourcing.errors import OperationError
from django_eventsourcing.payloads import visible
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.reading import in_one_line, separate_look
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.resetting import Reset, ResetPlan

__all__ = ["ResetPages", "can_be_reset"]


class PositionForm(forms.Form):
    """Which log, and after which notification the follower is to go on."""

    upstream = forms.ChoiceField(label=gettext_lazy("Log of"))
    to = forms.IntegerField(
        label=gettext_lazy("Go on after notification"),
        min_value=0,
        max_value=MAX_ID,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, data: QueryDict | None, system: ConfiguredSystem, name: str) -> None:
        super().__init__(data, label_suffix="")
        field: Any = self.fields["upstream"]
        field.choices = [(each, each) for each in system.upstreams_of(name)]


class ConfirmationForm(TypedNameForm):
    """Whether the follower is to be reset, as was shown."""

    records_again = forms.BooleanField(required=False)

    def __init__(self, data: QueryDict | None, name: str) -> None:
        super().__init__(data, name, needed=_("A follower is not reset without a reason."))
        self.fields["records_again"].label = _(
            "Its policy sees to it that nothing is recorded twice"
        )


def can_be_reset(system: ConfiguredSystem, name: str) -> bool:
    """Tell whether the follower is of a kind that is reset, rather than rebuilt."""
    return not issubclass(system.class_of(name), ModelProjection)


class ResetPages(ParkedPages):
    """Asks for a position, says what that means, and sets it when it is confirmed."""

    def get_pages(self) -> list[URLPattern]:
        name = f"{self.model._meta.app_label}_{self.model._meta.model_name}_reset"
        view = self.admin_site.admin_view(self.reset_view)
        return [path("<str:object_id>/reset/", view, name=name), *super().get_pages()]

    def reset_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a position, show what it means; set the follower to the one that was shown."""
        if not may_manage(request):
            raise PermissionDenied
        system, name = self.find_follower(object_id)
        if refusal := self.refusal_to_tell(system, name):
            return self.refuse(request, name, refusal)
        whole = system.application_of(name)
        if request.method == "POST":
            return self._reset(request, system, name)
        form = PositionForm(request.GET or None, system, name)
        plan: ResetPlan | None = None
        problems: list[str] = []
        if form.is_valid():
            values = form.cleaned_data
            try:
                with separate_look(system.database_of(name)):
                    plan = Reset(system, whole, values["upstream"], values["to"]).plan()
            except OperationError as error:
                problems.append(visible(str(error)))
            except FAULTS as error:
                problems.append(visible(in_one_line(error)))
        return self.page(
            request,
            "reset.html",
            _("Reset"),
            trail=[self.list_link, (name, self.follower_url(name))],
            problems=problems,
            follower=whole,
            is_split=len(system.runs_of(whole)) > 1,
            follower_url=self.follower_url(name),
            form=form,
            plan=plan,
            many=shown_count(plan.events, is_more=plan.is_more) if plan else "",
            confirmation=ConfirmationForm(None, whole),
        )

    def _reset(self, request: HttpRequest, system: ConfiguredSystem, name: str) -> HttpResponse:
        whole = system.application_of(name)
        position = PositionForm(request.POST, system, name)
        confirmation = ConfirmationForm(request.POST, whole)
        url = self.url("reset", quote(name))
        if not position.is_valid():
            text = _("Nothing is reset: the form does not say which log and position.")
            self.message_user(request, text, messages.ERROR)
            return redirect(url)
        values = position.cleaned_data
        if not confirmation.is_valid():
            for errors in confirmation.errors.values():
                for error in errors:
                    self.message_user(request, str(error), messages.ERROR)
            query = QueryDict(mutable=True)
            query.update({"upstream": values["upstream"], "to": str(values["to"])})
            return redirect(f"{url}?{query.urlencode()}")
        reset = Reset(
            system,
            whole,
            values["upstream"],
            values["to"],
            records_again=confirmation.cleaned_data["records_again"],
        )
        said = {**values, "reason": confirmation.cleaned_data["reason"], "follower": whole}
        if self.put_on_record(
            request,
            name,
            _("Reset to notification %(to)d of %(upstream)s: %(reason)s") % said,
            lambda: reset.run(reason=said["reason"], by=request.user.get_username()),
        ):
            done = _("%(follower)s goes on after notification %(to)d of %(upstream)s.")
            self.message_user(request, done % said, messages.SUCCESS)
            self.warn_of_waiting(request, system, name)
        return redirect(self.follower_url(name))
