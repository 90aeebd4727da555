"""Dead letters: the list of what followers have set aside, and a page for each."""

from typing import Any

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
from django_eventsourcing.admin.filters import PageForm, database_choice
from django_eventsourcing.admin.letters import (
    LetterLook,
    look_at_letter,
    look_at_letters,
    place_of,
)
from django_eventsourcing.admin.orders import ReasonForm
from django_eventsourcing.admin.paging import Page, parse_id, read_page
from django_eventsourcing.admin.permissions import may_manage, may_operate
from django_eventsourcing.admin.places import Place, Places, find_places, unreadable
from django_eventsourcing.admin.read_only import ReadOnlyAdmin
from django_eventsourcing.models import DeadLetterRecord, MonitoredSystem
from django_eventsourcing.reading import separate_look

__all__ = ["DeadLetterAdmin", "LetterFilterForm"]

BEHIND = 20
"""Letters of the same aggregate that are shown beside one."""
WINDOW = 20_000
"""Ids that are looked at for one page of the list, under filters."""


class LetterFilterForm(PageForm):
    """Which dead letters are shown."""

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
    database = database_choice()
    not_an_id = gettext_lazy("“%(text)s” is not the ID of a dead letter, so the newest are shown.")

    def __init__(self, data: QueryDict, places: Places) -> None:
        super().__init__(data, label_suffix="")
        self.places = places
        names = [name for s in places.systems for name in s.runs if s.is_persisted(name)]
        self.offer("follower", [(name, name) for name in names])
        self.offer_databases(places)
        self.full_clean()

    @property
    def alias(self) -> str:
        """The alias of the database to be read: that of the follower, if one is chosen."""
        for system in self.places.systems:
            if self.chosen.get("follower") in system.runs:
                return system.database_of(self.chosen["follower"])
        return str(self.chosen.get("database") or self.places.databases[0])

    @property
    def matching(self) -> Q | None:
        """The filters in terms of columns; ``None`` if there are none."""
        columns = {"follower": "application_name", "status": "status"}
        wanted = {columns[name]: value for name, value in self.chosen.items() if name in columns}
        return Q(**wanted) if wanted else None


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
            problems.append(unreadable(form.alias, error))
        return self.page(
            request,
            "dead_letters.html",
            self.list_title,
            form=form,
            problems=problems,
            looks=[look_at_letter(self.admin_site, request, row, places) for row in page.rows],
            searched=page.searched,
            links=form.page_links(page),
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
            problems.append(unreadable(alias, error))
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
