"""Forms of the dog school."""

from django import forms

__all__ = ["DogForm", "TrickForm"]


class DogForm(forms.Form):
    """Registers a dog."""

    name = forms.CharField(
        label="Name of the dog",
        max_length=60,
        error_messages={
            "required": "Give the dog a name.",
            "max_length": "The name has %(show_value)d characters; at most %(limit_value)d fit.",
        },
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Billy"}),
    )


class TrickForm(forms.Form):
    """Teaches a dog a trick."""

    trick = forms.CharField(
        label="New trick",
        max_length=60,
        error_messages={
            "required": "Name the trick that the dog has learnt.",
            "max_length": "The trick has %(show_value)d characters; at most %(limit_value)d fit.",
        },
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "roll over"}),
    )
