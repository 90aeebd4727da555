"""Orders: what operators may tell a follower, and the words in which it is told and kept."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_eventsourcing.operating import pause, request_retry, resume
from django_eventsourcing.payloads import visible
from django_eventsourcing.registry import ConfiguredSystem

__all__ = ["ORDERS", "Order", "ReasonForm", "TypedNameForm"]

REASON_LENGTH = 1_000
"""Letters of a reason, which is shown wherever the follower is."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """Something that a follower can be told."""

    name: str
    """What ends the URL."""
    label: Promise
    give: Callable[[ConfiguredSystem, str, str], None]
    """Takes the system, the follower's name, and the reason with the name of who gives it."""
    entry: Promise
    """What the history keeps."""
    done: Promise
    """What is said afterwards."""
    is_for_work: bool
    """Whether a worker is needed before anything comes of it."""
    needed: Promise | str = ""
    """What is said where the reason is missing that it needs; empty if it needs none."""
    needs_failure: bool = False
    """Whether it is about what has failed, so that something must have."""


class ReasonForm(forms.Form):
    """Why an order is given; ``needed`` says so where there has to be a reason."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "vTextField"}),
    )

    def __init__(self, data: QueryDict | None = None, *, needed: object = "") -> None:
        super().__init__(data, auto_id="id_%s", label_suffix="")
        if needed:
            self.fields["reason"].required = True
            self.fields["reason"].error_messages["required"] = str(needed)


class TypedNameForm(ReasonForm):
    """Why it is done, and the name of the follower, typed, so that no other is meant by mistake."""

    typed = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, data: QueryDict | None, name: str, *, needed: object) -> None:
        super().__init__(data, needed=needed)
        self._name = name
        self.fields["typed"].label = gettext("Type “%(name)s” to confirm") % {"name": name}

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if typed.strip() != self._name:
            text = gettext(
                "Nothing is done: “%(typed)s” is not the name of the follower, %(name)s."
            )
            raise forms.ValidationError(text % {"typed": visible(typed[:80]), "name": self._name})
        return typed


_ALL = (
    Order(
        name="pause",
        label=_("Pause"),
        give=pause,
        entry=_("Paused"),
        done=_("%(follower)s is paused."),
        is_for_work=False,
        needed=_("To pause a follower, a reason is needed."),
    ),
    Order(
        name="resume",
        label=_("Resume"),
        give=lambda system, follower, _reason: resume(system, follower),
        entry=_("Resumed"),
        done=_("%(follower)s is resumed."),
        is_for_work=True,
    ),
    Order(
        name="retry",
        label=_("Retry now"),
        give=lambda system, follower, _reason: request_retry(system, follower),
        entry=_("Told to retry now"),
        done=_("%(follower)s is to try again at once."),
        is_for_work=True,
        needs_failure=True,
    ),
)
ORDERS = {order.name: order for order in _ALL}
"""The orders by their names."""
