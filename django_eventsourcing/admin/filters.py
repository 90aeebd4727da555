"""Filters: which rows of a log are shown, chosen from what the code defines."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from django_eventsourcing.admin.paging import Cursor, parse_id
from django_eventsourcing.admin.places import Places
from django_eventsourcing.catalogue import EventClass

__all__ = ["FilterForm"]


class FilterForm(forms.Form):
    """
    The filters of a list, as they stand in its URL.

    Choices come from settings and code, never from the table. A value that is not among them is
    told beside its field, and then nothing is listed.
    """

    application = forms.ChoiceField(
        label=_("Application"),
        required=False,
        error_messages={
            "invalid_choice": _("No configured system has an application “%(value)s”.")
        },
    )
    topic = forms.ChoiceField(
        label=_("Event class"),
        required=False,
        error_messages={"invalid_choice": _("The code defines no event class “%(value)s”.")},
    )
    originator_id = forms.UUIDField(
        label=_("Originator ID"),
        required=False,
        error_messages={"invalid": _("This is not an originator's ID. Give all 32 digits of it.")},
        widget=forms.TextInput(attrs={"size": 36, "autocomplete": "off", "spellcheck": "false"}),
    )
    database = forms.ChoiceField(
        label=_("Database"),
        required=False,
        error_messages={
            "invalid_choice": _("No configured application uses a database “%(value)s”.")
        },
    )

    def __init__(
        self,
        data: QueryDict,
        places: Places,
        classes: Sequence[EventClass],
        *,
        apart: Sequence[str] = (),
    ) -> None:
        """
        Offer what there is, but for the applications ``apart``, which the list does not show.

        Without ``classes``, the records are not told apart by theirs.
        """
        super().__init__(data, label_suffix="")
        self.places = places
        names = dict.fromkeys(
            place.name for place in places if place.is_persisted and place.name not in apart
        )
        if data.get("application") in apart:
            self.fields["application"].error_messages["invalid_choice"] = _(
                "“%(value)s” keeps its records in a table of its own, which is not listed here."
            )
        self._set_choices("application", [(name, name) for name in names])
        if classes:
            self._set_choices("topic", _by_module(classes))
        else:
            del self.fields["topic"]
        if len(places.databases) > 1:
            self._set_choices("database", [(alias, alias) for alias in places.databases])
        else:
            del self.fields["database"]
        self.full_clean()

    @property
    def chosen(self) -> dict[str, Any]:
        """The filters that are set, and make sense, by name."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def cursor(self) -> Cursor:
        """Where the page begins."""
        before, after = (self._id(name) for name in ("before", "after"))
        return Cursor(before=before, after=after if before is None else None)

    @property
    def problems(self) -> list[str]:
        """What is wrong with the page that is asked for."""
        return [
            str(_("“%(text)s” is not the ID of an event, so the newest events are shown."))
            % {"text": text[:80]}
            for text in (self.data.get(name, "") for name in ("before", "after"))
            if text and parse_id(text) is None
        ]

    @property
    def alias(self) -> str:
        """The alias of the database to be read."""
        database = self.chosen.get("database", "")
        application = self.chosen.get("application")
        if application is not None:
            place = self.places.find(application, database=database) or self.places.find(
                application
            )
            if place is not None:
                return place.database
        return database or self.places.databases[0]

    def query(self, cursor: Cursor | None = None) -> str:
        """Return the query string of a page under the same filters."""
        query = QueryDict(mutable=True)
        for name, value in self.chosen.items():
            query[name] = str(value)
        if cursor is not None and cursor.before is not None:
            query["before"] = str(cursor.before)
        if cursor is not None and cursor.after is not None:
            query["after"] = str(cursor.after)
        return f"?{query.urlencode()}"

    def _id(self, name: str) -> int | None:
        return parse_id(self.data.get(name, ""))

    def _set_choices(self, name: str, choices: Iterable[Any]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("All")), *choices]


def _by_module(classes: Sequence[EventClass]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (module, [(cls.topic, cls.name) for cls in members])
        for module, members in groupby(classes, key=lambda cls: cls.module)
    ]
