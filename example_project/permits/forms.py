"""Forms of the permit office."""

from django import forms

__all__ = ["CaseSearchForm"]


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
