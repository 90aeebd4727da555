"""Dead letters: the list of what followers have set aside, and a page for each."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import quote, unquote
from django.db import Error as DatabaseError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_eventsourcing.admin.event_links import viewable_admin
from django_eventsourcing.admin.letters import (
    LetterLook,
    look_at_letter,
    look_at_letters,
    place_of,
)
from django_eventsourcing.admin.orders import ReasonForm
from django_eventsourcing.admin.paging import Cursor, Page, parse_id, read_page
from django_eventsourcing.admin.permissions import may_manage, may_operate
from django_eventsourcing.admin.places import Place, Places, find_places
from django_eventsourcing.admin.read_only import ReadOnlyAdmin
from django_eventsourcing.models import DeadLetterRecord, MonitoredSystem
from django_eventsourcing.payloads import visible
from django_eventsourcing.reading import in_one_line, separate_look

__all__ = ["DeadLetterAdmin", "LetterFilterForm"]

BEHIND = 20
"""Letters of the same aggregate that are shown beside one."""
WINDOW = 20_000
"""Ids that are looked at for one page of the list, under filters."""


class LetterFilterForm(forms.Form):
    """The filters of the list, as they stand in its URL; choices come from settings and code."""

    follower = forms.ChoiceField(
        label=gettext_lazy("Follower"),
        required=False,
        error_messages={
            "invalid_choice": gettext_lazy("No configured system has a follower “%(value)s”.")
        },
    )
    status = forms.ChoiceField(
        label=gettext_lazy("Status"),
        required=False,
        choices=[("", gettext_lazy("All")), *DeadLetterRecord.Status.choices],
        error_messages={"invalid_choice": gettext_lazy("Dead letters have no status “%(value)s”.")},
    )
    database = forms.ChoiceField(
        label=gettext_lazy("Database"),
        required=False,
        error_messages={
            "invalid_choice": gettext_lazy("No configured application uses a database “%(value)s”.")
        },
    )

    def __init__(self, data: QueryDict, places: Places) -> None:
        super().__init__(data, label_suffix="")
        self.places = places
        names = [name for s in places.systems for name in s.runs if s.is_persisted(name)]
        self._set_choices("follower", names)
        if len(places.databases) > 1:
            self._set_choices("database", places.databases)
        else:
            del self.fields["database"]
        self.full_clean()

    @property
    def chosen(self) -> dict[str, str]:
        """The filters that are set, and make sense, by name."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def alias(self) -> str:
        """The alias of the database to be read: that of the follower, if one is chosen."""
        for system in self.places.systems:
            if self.chosen.get("follower") in system.runs:
                return system.database_of(self.chosen["follower"])
        return self.chosen.get("database") or self.places.databases[0]

    @property
    def cursor(self) -> Cursor:
        """Where the page begins."""
        before, after = (parse_id(self.data.get(name, "")) for name in ("before", "after"))
        return Cursor(before=before, after=after if before is None else None)

    @property
    def problems(self) -> list[str]:
        """What is wrong with the page that is asked for."""
        text = _("“%(text)s” is not the ID of a dead letter, so the newest are shown.")
        return [
            text % {"text": visible(given[:80])}
            for given in (self.data.get(name, "") for name in ("before", "after"))
            if given and parse_id(given) is None
        ]

    @property
    def matching(self) -> Q | None:
        """The filters in terms of columns; ``None`` if there are none."""
        columns = {"follower": "application_name", "status": "status"}
        wanted = {columns[name]: value for name, value in self.chosen.items() if name in columns}
        return Q(**wanted) if wanted else None

    def query(self, cursor: Cursor | None = None) -> str:
        """Return the query string of a page under the same filters."""
        at = {"before": cursor.before, "after": cursor.after} if cursor else {}
        given = {name: value for name, value in at.items() if value is not None}
        return f"?{urlencode({**self.chosen, **given})}"

    def _set_choices(self, name: str, values: list[str]) -> None:
        field: Any = self.fields[name]
        field.choices = [("", _("All")), *((value, value) for value in values)]


@admin.register(DeadLetterRecord)
class DeadLetterAdmin(ReadOnlyAdmin):
    """Shows what followers have set aside; what is done about it is told the follower."""

    list_per_page = 50

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a page of the list, the newest first."""
        self.check_reading(request)
        places = find_places()
        form = LetterFilterForm(request.GET, places)
        problems = [*places.problems, *form.problems]
        page: Page[DeadLetterRecord] = Page(rows=[], newer=None, older=None)
        try:
            if not form.errors:
                with separate_look(form.alias):
                    page = read_page(
                        DeadLetterRecord.objects.using(form.alias).defer("traceback"),
                        form.cursor,
                        size=self.list_per_page,
                        matching=form.matching,
                        window=WINDOW,
                    )
        except DatabaseError as error:
            problems.append(_unreachable(form.alias, error))
        return self.page(
            request,
            "dead_letters.html",
            self.list_title,
            form=form,
            problems=problems,
            is_filtered=bool(form.chosen),
            looks=[look_at_letter(self.admin_site, request, row, places) for row in page.rows],
            searched=page.searched,
            links=_page_links(form, page),
            database=form.alias if len(places.databases) > 1 else "",
            **(extra_context or {}),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one letter: what it is, why it was set aside, and what has become of it."""
        self.check_reading(request)
        places = find_places()
        alias = request.GET.get("database") or places.databases[0]
        number = parse_id(unquote(object_id))
        if number is None or alias not in places.databases:
            raise Http404(NO_LETTER)
        problems, shown = [], {}
        try:
            with separate_look(alias):
                letter = DeadLetterRecord.objects.using(alias).filter(pk=number).first()
                if letter is None:
                    raise Http404(NO_LETTER)
                shown = self._shown(request, letter, places)
        except DatabaseError as error:
            problems.append(_unreachable(alias, error))
        return self.page(
            request,
            "dead_letter.html",
            _("Dead letter %(id)d") % {"id": number},
            trail=[self.list_link],
            problems=problems,
            **shown,
            **(extra_context or {}),
        )

    def _shown(
        self, request: HttpRequest, letter: DeadLetterRecord, places: Places
    ) -> dict[str, Any]:
        place = place_of(letter, places)
        look = look_at_letter(self.admin_site, request, letter, places)
        return {
            "look": look,
            "behind": look_at_letters(
                self.admin_site, request, _of_aggregate(letter), limit=BEHIND
            ),
            "is_known": place is not None,
            "form": ReasonForm(),
            **self._orders(request, place, look),
        }

    def _orders(
        self, request: HttpRequest, place: Place | None, look: LetterLook
    ) -> dict[str, str]:
        """Return where the follower's page is, and what is told the follower about the letter."""
        orders = dict.fromkeys(("follower_url", "retry_url", "dry_run_url", "discard_url"), "")
        pages = viewable_admin(self.admin_site, request, MonitoredSystem)
        if pages is None or place is None:
            return orders

        def url(name: str) -> str:
            opts = MonitoredSystem._meta
            view = f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_{name}"
            return reverse(view, args=[quote(place.name)])

        orders["follower_url"] = url("change")
        if look.is_parked and may_operate(request):
            orders |= {"retry_url": url("retry_parked"), "dry_run_url": url("dry_run_parked")}
        if look.is_parked and may_manage(request):
            orders["discard_url"] = url("discard")
        return orders


NO_LETTER = gettext_lazy("There is no such dead letter.")


def _of_aggregate(letter: DeadLetterRecord) -> QuerySet[DeadLetterRecord]:
    """Return the other letters of the aggregate that are parked, in their order."""
    letters = DeadLetterRecord.objects.using(letter._state.db).filter(
        application_name=letter.application_name,
        status=DeadLetterRecord.Status.PARKED,
        originator_id=letter.originator_id,
        upstream_name=letter.upstream_name,
    )
    return letters.exclude(pk=letter.pk).defer("traceback").order_by("notification_id")


def _page_links(form: LetterFilterForm, page: Page[DeadLetterRecord]) -> list[tuple[str, str]]:
    links = []
    if page.newer is not None:
        links += [(_("Newest"), form.query()), (_("Newer"), form.query(page.newer))]
    if page.older is not None:
        oldest = form.query(Cursor(after=0))
        links += [(_("Older"), form.query(page.older)), (_("Oldest"), oldest)]
    return links


def _unreachable(alias: str, error: Exception) -> str:
    return _("The database “%(database)s” cannot be read: %(error)s") % {
        "database": alias,
        "error": in_one_line(error),
    }
