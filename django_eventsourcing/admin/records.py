"""Records: a list of them in keyset pages, and a page of each with its readable payload."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import unquote
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import Error as DatabaseError
from django.db.models import Model, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_eventsourcing.admin.filters import FilterForm, LogForm
from django_eventsourcing.admin.names import class_name, split_at_dots
from django_eventsourcing.admin.paging import Page, parse_id
from django_eventsourcing.admin.payloads import MASKED, Payload, read_payload
from django_eventsourcing.admin.permissions import may_see_payloads, may_view
from django_eventsourcing.admin.places import Place, Places, find_places, unreadable
from django_eventsourcing.admin.read_only import ReadOnlyAdmin
from django_eventsourcing.admin.searches import Rules, Search
from django_eventsourcing.admin.starts import Start, start_of
from django_eventsourcing.admin.trees import tree_of
from django_eventsourcing.admin.upcasts import upcast_of
from django_eventsourcing.catalogue import EventClass
from django_eventsourcing.event_log import LoggedEvent
from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.reading import separate_look
from eventsourcing.persistence import StoredEvent

__all__ = ["RecordAdmin", "described_event", "stored_event"]

NO_RECORD = gettext_lazy("There is no such record.")
COLUMNS = ("id", "application_name", "originator_id", "originator_version", "topic")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A record as the list shows it."""

    id: int
    url: str
    application_name: str
    class_name: Sequence[str]
    """The parts of the name, between which a line may break; none if the class is not known."""
    class_topic: str
    topic: str
    originator_id: str
    stream_url: str
    """The list of the records of the same originator, unless the application is unknown."""
    originator_version: int
    recorded_at: datetime | None
    is_asked: bool = False
    """Whether it is the one that the reader has asked to go to."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A way to another record."""

    label: str
    id: int
    url: str


class RecordAdmin(ReadOnlyAdmin):
    """Shows the records of all applications; the subclasses say of what kind."""

    list_per_page = 50
    kind = ""
    """Which of an application's models these are: ``event`` or ``snapshot``."""
    time_column = ""
    """The column that says when a record was made, if there is one."""
    searched: Sequence[str] = ("id", "originator")
    """What may be searched: the qualifiers, and ``text``."""

    @property
    def class_label(self) -> str:
        """What the column of classes is called."""
        return _("Class")

    def get_classes(self) -> Sequence[EventClass]:
        """Return the classes that the filter offers; without any there is no such filter."""
        return []

    def get_columns(self) -> Sequence[str]:
        """Return the columns that the list reads."""
        return [*COLUMNS, self.time_column] if self.time_column else COLUMNS

    def class_topic(self, record: Any, place: Place | None) -> str:
        """Return the topic of the class that is shown; empty if it is not known."""
        return str(record.topic)

    def get_tools(self) -> Sequence[tuple[str, str]]:
        """Return labels and URLs of the pages that the list leads to."""
        return []

    def get_search_links(self, search: Search) -> Sequence[tuple[str, str]]:
        """Return labels and URLs of pages that show more of what is searched."""
        return []

    def search_rules(self, request: HttpRequest, model: type[Model] | None = None) -> Rules:
        """Return what the user may search among records of the model."""
        # What is masked, or shown otherwise than it is, must not be found by guessing either.
        sees = may_see_payloads(request)
        originator_id: Any = (model or self.model)._meta.get_field("originator_id")
        return Rules(
            known=self.searched,
            originator_id=originator_id.to_python,
            hidden=() if sees else ("user",),
            reads_states=sees and not self.formats_payloads,
        )

    def log_url(self, place: Place) -> str:
        """Return the URL of the application's notification log, if it shows these records."""
        return ""

    def own_model(self, place: Place | None) -> type[Model] | None:
        """Return the model of the application's own table of these records, if it has one."""
        if place is None or not place.is_persisted:
            return None
        try:
            model: type[Model] = getattr(place.models, self.kind)
        except ImproperlyConfigured:
            return None
        return None if model is self.model else model

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a page of the list."""
        self.check_reading(request)
        places = find_places()
        apart = [place for place in places if self.own_model(place)]
        form = FilterForm(
            request.GET,
            places,
            self.get_classes(),
            self.search_rules(request),
            has_times=bool(self.time_column),
            apart=[place.name for place in apart],
        )
        form.full_clean()
        alias = form.alias
        problems = [*places.problems, *form.problems]
        page: Page[Any] = Page(rows=[], newer=None, older=None)
        start = Start(cursor=form.cursor)
        try:
            if not form.errors:
                with separate_look(alias):
                    page, start = self._read(form, places, alias)
        except DatabaseError as error:
            problems.append(unreadable(alias, error))
        return self.page(
            request,
            "records.html",
            self.list_title,
            has_time=bool(self.time_column),
            class_label=self.class_label,
            form=form,
            problems=problems,
            rows=[
                replace(self._row(record, places, alias), is_asked=record.pk == start.asked)
                for record in page.rows
            ],
            searched=page.searched,
            note=start.note(page.rows),
            search_links=self.get_search_links(form.search),
            links=form.page_links(page),
            tools=self.get_tools(),
            apart=[(place.name, self.log_url(place)) for place in apart],
            database=alias if len(places.databases) > 1 else "",
            **(extra_context or {}),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one record, with its payload as its application reads it."""
        self.check_reading(request)
        places = find_places()
        alias = request.GET.get("database") or places.databases[0]
        number = parse_id(unquote(object_id))
        if number is None or alias not in places.databases:
            raise Http404(NO_RECORD)
        title, problems, shown = f"{capfirst(self.opts.verbose_name)} {number}", [], {}
        try:
            with separate_look(alias):
                record = self._find(request, number, places, alias)
                if record is None:
                    raise Http404(NO_RECORD)
                title = f"{class_name(record.topic)} {record.pk}"
                shown = self._shown(request, record, places, alias)
        except DatabaseError as error:
            problems.append(unreadable(alias, error))
        return self.page(
            request,
            "record.html",
            title,
            trail=[self.list_link],
            problems=problems,
            class_label=self.class_label,
            database=alias if len(places.databases) > 1 else "",
            **shown,
            **(extra_context or {}),
        )

    def format_payload(
        self, request: HttpRequest, event: LoggedEvent, values: dict[str, Any]
    ) -> dict[str, Any]:
        """
        Return the values of an event, or a snapshot, that are to be shown instead of its own.

        ``values`` have their types, and may be changed. By default they are shown as they are.
        Where others are returned, pages show nothing of how the event is stored, and no copies
        that would hold it. To redact, override ``format_state()`` as well.
        """
        return values

    @property
    def formats_payloads(self) -> bool:
        """Whether ``format_payload()`` is the project's own."""
        return type(self).format_payload is not RecordAdmin.format_payload

    def related_links(self, request: HttpRequest, event: LoggedEvent) -> Iterable[tuple[str, str]]:
        """Return labels and URLs, to be shown on the page of an event and on that of its stream."""
        return []

    def shown_payload(
        self,
        request: HttpRequest,
        place: Place | None,
        name: str,
        event: StoredEvent,
        record: Any = None,
    ) -> Payload:
        """
        Return what an event says, as the user may see it; pages show no payload but this.

        ``record`` is where its id, time and metadata are, if not in the event itself.
        """
        if not may_see_payloads(request):
            return MASKED
        if not self.formats_payloads:
            return read_payload(place, name, event)
        about = described_event(name, event, record)
        return read_payload(
            place, name, event, lambda values: self.format_payload(request, about, values)
        )

    def record_url(self, number: int, like: Any, places: Places, alias: str) -> str:
        """Return the URL of the page of a record, which is in the same table as the other one."""
        query = self._other_database(places, alias)
        if type(like) is not self.model:
            # Ids are those of a table: the application says which it is.
            query["application"] = like.application_name
        return self.url("change", number) + (f"?{urlencode(query)}" if query else "")

    def _other_database(self, places: Places, alias: str) -> dict[str, str]:
        """Return the parameter that names the database, unless it is the one shown without."""
        return {} if alias == places.databases[0] else {"database": alias}

    def _shown(
        self, request: HttpRequest, record: Any, places: Places, alias: str
    ) -> dict[str, Any]:
        """Return what the page of a record shows of it."""
        place = places.find(record.application_name, database=alias)
        event = stored_event(record)
        payload = self.shown_payload(request, place, record.application_name, event, record)
        hides_stored = payload.is_masked or payload.is_formatted
        return {
            "hides_stored": hides_stored,
            "row": self._row(record, places, alias),
            "topic": split_at_dots(record.topic),
            "payload": payload,
            "tree": tree_of(payload.values) if payload.values is not None else [],
            "upcast": upcast_of(place, event) if place and not hides_stored else None,
            "related": list(
                self.related_links(request, described_event(record.application_name, event, record))
            ),
            **self._neighbours(record, places, alias),
        }

    def _find(self, request: HttpRequest, number: int, places: Places, alias: str) -> Any:
        application = request.GET.get("application", "")
        place = places.find(application, database=alias) if application else None
        own = self.own_model(place)
        if own is None:
            return self._all(alias).filter(id=number).first()
        if not may_view(request, own):
            raise PermissionDenied
        return self._all(alias, own).filter(id=number, application_name=application).first()

    def _all(self, alias: str, model: type[Model] | None = None) -> QuerySet[Any]:
        records: QuerySet[Any] = (model or self.model)._default_manager.using(alias)
        return records

    def _read(self, form: FilterForm, places: Places, alias: str) -> tuple[Page[Any], Start]:
        every = self._all(alias)
        names = [place.name for place in places if place.database == alias]
        in_order, matching = every.order_by("id"), self._matching(form)
        if application := form.chosen.get("application"):
            names = [application]
            if isinstance(every, StoredEventQuerySet):
                in_order = every.log(application)
            else:
                matching &= Q(application_name=application)
        start = start_of(form, in_order)
        found = form.search.select(in_order, every, names, matching)
        page = found.page(start.cursor, columns=self.get_columns(), size=self.list_per_page)
        return page, start

    def _matching(self, form: LogForm) -> Q:
        return Q(topic=form.chosen["topic"]) if "topic" in form.chosen else Q()

    def _row(self, record: Any, places: Places, alias: str) -> Row:
        place = places.find(record.application_name, database=alias)
        is_listed = place is not None and type(record) is self.model
        class_topic = self.class_topic(record, place)
        query = urlencode(
            {
                "application": record.application_name,
                "originator_id": record.originator_id,
                **self._other_database(places, alias),
            }
        )
        return Row(
            id=record.pk,
            url=self.record_url(record.pk, record, places, alias),
            application_name=record.application_name,
            class_name=split_at_dots(class_name(class_topic)),
            class_topic=class_topic,
            topic=record.topic,
            originator_id=str(record.originator_id),
            stream_url=f"{self.url('changelist')}?{query}" if is_listed else "",
            originator_version=record.originator_version,
            recorded_at=getattr(record, self.time_column) if self.time_column else None,
        )

    def _neighbours(self, record: Any, places: Places, alias: str) -> dict[str, list[Link]]:
        """Return the records before and after this one, in its stream and in its log."""
        records = self._all(alias, type(record))
        mine = records.filter(application_name=record.application_name)
        stream = mine.filter(originator_id=record.originator_id).order_by("originator_version")
        ways = {"stream_links": (stream, "originator_version")}
        if isinstance(records, StoredEventQuerySet):
            ways["log_links"] = (records.log(record.application_name), "id")
        found: dict[str, QuerySet[Any]] = {}
        for name, (others, key) in ways.items():
            value = getattr(record, key)
            found[f"{name}_before"] = others.filter(**{f"{key}__lt": value}).reverse()
            found[f"{name}_after"] = others.filter(**{f"{key}__gt": value})
        ids = {name: Subquery(others.values("id")[:1]) for name, others in found.items()}
        # One query for all of them.
        [row] = mine.filter(pk=record.pk).annotate(**ids).values(*ids) or [{}]
        links: dict[str, list[Link]] = {"stream_links": [], "log_links": []}
        for name in ways:
            for label, side in ((_("Previous"), "before"), (_("Next"), "after")):
                number = row.get(f"{name}_{side}")
                if number is not None:
                    url = self.record_url(number, record, places, alias)
                    links[name].append(Link(label=label, id=number, url=url))
        return links


def stored_event(record: Any) -> StoredEvent:
    """Return the record in the form that mappers read."""
    return StoredEvent(
        originator_id=record.originator_id,
        originator_version=record.originator_version,
        topic=record.topic,
        state=bytes(record.state),
    )


def described_event(name: str, event: StoredEvent, record: Any = None) -> LoggedEvent:
    """Return what is known of an event besides its values."""
    source = event if record is None else record
    return LoggedEvent(
        id=getattr(source, "id", 0),
        application=name,
        originator_id=event.originator_id,
        originator_version=event.originator_version,
        topic=event.topic,
        recorded_at=getattr(source, "recorded_at", None),
        metadata=getattr(source, "metadata", None),
    )
