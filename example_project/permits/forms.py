"""Forms of the permit office."""

from django import forms
from django.db.models import QuerySet

from example_project.permits.models import CaseRow

__all__ = ["CaseFilterForm", "CaseSearchForm"]


class CaseSearchForm(forms.Form):
    """Finds a case by its number."""

    case = forms.CharField(
        label="Case number",
        max_length=200,
        error_messages={
            "required": "Type the number of a case.",
            "max_length": "No case has a number as long as that.",
        },
        widget=forms.TextInput(
            attrs={"type": "search", "autocomplete": "off", "placeholder": "permit-001"}
        ),
    )


def _states() -> list[tuple[str, str]]:
    return _choices(CaseRow.objects.values_list("state", flat=True))


def _responsible() -> list[tuple[str, str]]:
    return _choices(CaseRow.objects.values_list("responsible", flat=True))


def _choices(values: QuerySet[CaseRow, str]) -> list[tuple[str, str]]:
    found = sorted(value for value in values.order_by().distinct() if value)
    return [("", "any"), *zip(found, found, strict=True)]


class CaseFilterForm(forms.Form):
    """Chooses cases of the board; every field may be left open."""

    state = forms.ChoiceField(label="Stands at", required=False, choices=_states)
    responsible = forms.ChoiceField(label="Responsible", required=False, choices=_responsible)
    late = forms.BooleanField(label="Late only", required=False)
    order = forms.ChoiceField(
        label="Order",
        required=False,
        choices=[
            ("", "newest first"),
            ("started", "oldest first"),
            ("-open_days", "open longest first"),
            ("-activities", "most activities first"),
        ],
    )

    def chosen(self) -> QuerySet[CaseRow]:
        """Return the cases that are asked for; all of them, if what is asked for makes no sense."""
        rows = CaseRow.objects.all()
        if not self.is_valid():
            return rows
        values = self.cleaned_data
        equal = {name: values[name] for name in ("state", "responsible") if values[name]}
        if values["late"]:
            equal["is_late"] = True
        rows = rows.filter(**equal)
        return rows.order_by(values["order"], "case_id") if values["order"] else rows
