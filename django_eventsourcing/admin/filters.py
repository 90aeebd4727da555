"""Filters: which rows of a log are shown, chosen from what the code defines."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_eventsourcing.admin.dates import parse_time
from django_eventsourcing.admin.paging import Cursor, Page, parse_id
from django_eventsourcing.admin.places import Places
from django_eventsourcing.admin.searches import TEXT, Rules, Search, SearchError, read_search, term
from django_eventsourcing.catalogue import EventClass
from django_eventsourcing.payloads import visible

__all__ = ["FilterForm", "LogForm", "PageForm", "database_choice"]


def _line(**attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", **attrs})


def database_choice() -> forms.ChoiceField:
    """Return the field that says which database is read; ``offer_databases()`` fills it."""
    return forms.ChoiceField(
        label=_("Database"),
        required=False,
        error_messages={
            "invalid_choice": _("No configured application uses a database “%(value)s”.")
        },
    )


class PageForm(forms.Form):
    """
    What a list shows, and where the page begins, as they stand in its URL.

    Choices come from settings and code, never from the table. A value that is not among them is
    told beside its field, and then nothing is listed.
    """

    not_an_id: Promise = _("“%(text)s” is not the ID of an event, so the newest events are shown.")

    @property
    def chosen(self) -> dict[str, Any]:
        """The filters that are set, and make sense, by name."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def is_filtered(self) -> bool:
        """Whether there is anything to be cleared."""
        return bool(self.chosen)

    @property
    def cursor(self) -> Cursor:
        """Where the page begins."""
        before, after = (parse_id(self.data.get(name, "")) for name in ("before", "after"))
        return Cursor(before=before, after=after if before is None else None)

    @property
    def problems(self) -> list[str]:
        """What is wrong with the page that is asked for."""
        return [
            str(self.not_an_id) % {"text": visible(text[:80])}
            for text in (self.data.get(name, "") for name in ("before", "after"))
            if text and parse_id(text) is None
        ]

    def query(self, cursor: Cursor | None = None) -> str:
        """Return the query string of a page under the same filters."""
        at = {"before": cursor.before, "after": cursor.after} if cursor else {}
        given = {name: value for name, value in at.items() if value is not None}
        return f"?{urlencode({**self.chosen, **given})}"

    def page_links(self, page: Page[Any]) -> list[tuple[str, str]]:
        """Return labels and URLs of the pages that there are beside this one."""
        links = []
        if page.newer is not None:
            links += [(gettext("Newest"), self.query()), (gettext("Newer"), self.query(page.newer))]
        if page.older is not None:
            oldest = self.query(Cursor(after=0))
            links += [(gettext("Older"), self.query(page.older)), (gettext("Oldest"), oldest)]
        return links

    def offer(self, name: str, choices: Iterable[Any]) -> None:
        """Let a field have these choices, beside having none."""
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("All")), *choices]

    def offer_databases(self, places: Places) -> None:
        """Let the database be chosen, if there are several."""
        if len(places.databases) > 1:
            self.offer("database", [(alias, alias) for alias in places.databases])
        else:
            del self.fields["database"]


class LogForm(PageForm):
    """What is shown of one log, and what is searched there."""

    topic = forms.ChoiceField(
        label=_("Event class"),
        required=False,
        error_messages={"invalid_choice": _("The code defines no event class “%(value)s”.")},
    )
    q = forms.CharField(label=_("Search"), required=False, max_length=500, widget=_line())
    at = forms.CharField(label=_("Go to ID"), required=False, max_length=40, widget=_line())
    field_order = ("application", "topic", "q", "at", "database")

    def __init__(
        self, data: QueryDict, classes: Sequence[EventClass], rules: Rules, *, has_times: bool
    ) -> None:
        """Without ``classes``, records are not told apart by theirs; without times, by id only."""
        super().__init__(_with_originator(data), label_suffix="")
        self.rules = rules
        self.has_times = has_times
        self.search = Search()
        self.fields["q"].help_text = " ".join(
            f"{name}:" if name != TEXT else str(_("or a text")) for name in rules.known
        )
        if has_times:
            self.fields["at"].label = _("Go to ID or time")
            self.fields["at"].widget.attrs["placeholder"] = "2026-01-31 12:00"
        if classes:
            self.offer("topic", _by_module(classes))
        else:
            del self.fields["topic"]

    def clean_q(self) -> str:
        text = str(self.cleaned_data["q"])
        try:
            self.search = read_search(text, self.rules)
        except SearchError as error:
            raise forms.ValidationError(str(error)) from error
        return text

    def clean_at(self) -> int | datetime | None:
        text = str(self.cleaned_data["at"])
        if not text:
            return None
        number = parse_id(text)
        at = parse_time(text) if number is None and self.has_times else number
        if at is None and self.has_times:
            raise forms.ValidationError(
                _("“%(text)s” is neither an ID nor a time such as 2026-01-31 12:00."),
                params={"text": text},
            )
        if at is None:
            raise forms.ValidationError(_("“%(text)s” is not an ID."), params={"text": text})
        return at

    @property
    def chosen(self) -> dict[str, Any]:
        """The filters that are set, and make sense, by name."""
        return {name: value for name, value in super().chosen.items() if name != "at"}

    @property
    def goal(self) -> int | datetime | None:
        """The id or the time to go to, unless the page has been left by then."""
        goal: int | datetime | None = self.cleaned_data.get("at")
        return goal if self.cursor == Cursor() else None

    @property
    def is_filtered(self) -> bool:
        """Whether there is anything to be cleared."""
        return super().is_filtered or bool(self.data.get("at"))


class FilterForm(LogForm):
    """What is shown of the logs of all applications that share a table."""

    application = forms.ChoiceField(
        label=_("Application"),
        required=False,
        error_messages={
            "invalid_choice": _("No configured system has an application “%(value)s”.")
        },
    )
    database = database_choice()

    def __init__(
        self,
        data: QueryDict,
        places: Places,
        classes: Sequence[EventClass],
        rules: Rules,
        *,
        has_times: bool,
        apart: Sequence[str] = (),
    ) -> None:
        """Offer what there is, but for the applications ``apart``, which the list does not show."""
        super().__init__(data, classes, rules, has_times=has_times)
        self.places = places
        names = dict.fromkeys(
            place.name for place in places if place.is_persisted and place.name not in apart
        )
        if data.get("application") in apart:
            self.fields["application"].error_messages["invalid_choice"] = _(
                "“%(value)s” keeps its records in a table of its own, which is not listed here."
            )
        self.offer("application", [(name, name) for name in names])
        self.offer_databases(places)

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


def _with_originator(data: QueryDict) -> QueryDict:
    """Return the values, with what links say of an originator as a part of the search."""
    if not data.get("originator_id"):
        return data
    data = data.copy()
    [originator_id] = data.pop("originator_id")[-1:]
    data["q"] = f"{term('originator', originator_id.strip())} {data.get('q', '')}".strip()
    return data


def _by_module(classes: Sequence[EventClass]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (module, [(cls.topic, cls.name) for cls in members])
        for module, members in groupby(classes, key=lambda cls: cls.module)
    ]
