"""Code pages: the event catalogue and the configuration, as code and settings have them."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from django_eventsourcing.admin.names import split_at_dots
from django_eventsourcing.admin.places import Place, Places, find_places, unreadable
from django_eventsourcing.admin.read_only import ReadOnlyAdmin
from django_eventsourcing.catalogue import event_classes
from django_eventsourcing.conf import get_token
from django_eventsourcing.databases import describe
from django_eventsourcing.distribution import installed_version
from django_eventsourcing.effective import (
    DEFAULT,
    Setting,
    application_settings,
    environment_settings,
    system_settings,
)
from django_eventsourcing.event_details import details_of, takers_of_all
from django_eventsourcing.payloads import visible
from django_eventsourcing.reading import separate_look
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.verifying.topics import fault_of_topic
from django_eventsourcing.wording import for_reader

__all__ = ["CodePages"]

WINDOW = 5_000
"""The newest events of a table whose topics are looked at."""


@dataclass(frozen=True, kw_only=True)
class LostTopic:
    """A topic of recent events that stands for no class."""

    topic: Sequence[str]
    """Its parts, between which a line may break."""
    application: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """Settings that are shown together."""

    title: str
    settings: Sequence[Setting]


class CodePages(ReadOnlyAdmin):
    """Pages of what is defined elsewhere, so that nobody has to look for it."""

    def get_pages(self) -> list[URLPattern]:
        prefix = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        view = self.admin_site.admin_view
        return [
            path("catalogue/", view(self.catalogue_view), name=f"{prefix}_catalogue"),
            path("configuration/", view(self.configuration_view), name=f"{prefix}_configuration"),
            *super().get_pages(),
        ]

    def get_tools(self) -> Sequence[tuple[str, str]]:
        """Return labels and URLs of the pages that the list leads to."""
        return [
            (_("Event catalogue"), self.url("catalogue")),
            (_("Configuration"), self.url("configuration")),
        ]

    def catalogue_view(self, request: HttpRequest) -> HttpResponse:
        """Show the classes of events that the code defines, and topics that lead to none."""
        self.check_reading(request)
        places = find_places()
        details = [
            details_of(each, places.systems)
            for each in event_classes()
            if not each.module.startswith("eventsourcing.")
        ]
        lost, problems = _lost_topics(places)
        return self.page(
            request,
            "catalogue.html",
            _("Event catalogue"),
            trail=[self.list_link],
            problems=[*places.problems, *problems],
            modules=[
                (split_at_dots(module), list(found))
                for module, found in groupby(details, key=lambda each: each.event_class.module)
            ],
            takers_of_all=takers_of_all(places.systems),
            lost=lost,
            window=WINDOW,
        )

    def configuration_view(self, request: HttpRequest) -> HttpResponse:
        """Show the settings that are in force, and where each comes from."""
        self.check_reading(request)
        places = find_places()
        return self.page(
            request,
            "configuration.html",
            _("Configuration"),
            trail=[self.list_link],
            problems=places.problems,
            tables=[_surroundings(), *_databases(places)]
            + [table for system in places.systems for table in _tables(system)],
            default=DEFAULT,
        )


def _lost_topics(places: Places) -> tuple[list[LostTopic], list[str]]:
    """Return what stands for no class among the newest events, and what could not be read."""
    lost: list[LostTopic] = []
    problems: list[str] = []
    tables: dict[tuple[str, type[Model]], list[Place]] = {}
    for place in places:
        try:
            if place.is_persisted:
                tables.setdefault((place.database, place.models.event), []).append(place)
        except ImproperlyConfigured as error:
            problems.append(str(error))
    for (alias, model), found in tables.items():
        names = [place.name for place in found]
        try:
            with separate_look(alias):
                events = model._default_manager.using(alias).filter(application_name__in=names)
                newest = events.order_by("-id").values_list("application_name", "topic")[:WINDOW]
                pairs = sorted(set(newest))
        except DatabaseError as error:
            problems.append(unreadable(alias, error))
            continue
        for name, topic in pairs:
            if fault := fault_of_topic(topic):
                parts = split_at_dots(visible(topic))
                lost.append(LostTopic(topic=parts, application=name, error=visible(fault)))
    return lost, problems


def _surroundings() -> Table:
    token = get_token()
    versions = {
        "django-eventsourcing": installed_version(),
        "Django": django.get_version(),
        "Python": platform.python_version(),
    }
    return Table(
        title=_("Project"),
        settings=[
            *(Setting(name=name, value=number, source="") for name, number in versions.items()),
            Setting(name="DEBUG", value=repr(settings.DEBUG), source="DEBUG"),
            Setting(
                name="EVENTSOURCING_TOKEN",
                value=repr(token) if token is None else "",
                source=DEFAULT if token is None else "EVENTSOURCING_TOKEN",
                is_masked=token is not None,
            ),
        ],
    )


def _databases(places: Places) -> Iterator[Table]:
    if any(place.is_persisted for place in places):
        yield Table(
            title=_("Databases"),
            settings=[
                Setting(
                    name=alias,
                    value=for_reader(describe(alias)),
                    source=f"DATABASES[{alias!r}]",
                )
                for alias in places.databases
            ],
        )


def _tables(system: ConfiguredSystem) -> Iterator[Table]:
    names = {"alias": system.alias}
    yield Table(title=_("System “%(alias)s”") % names, settings=list(system_settings(system)))
    for name in system.names:
        cls = system.class_of(name)
        path_ = f"{cls.__module__}.{cls.__qualname__}"
        yield Table(
            title=_("%(name)s in system “%(alias)s”") % {**names, "name": name},
            settings=[
                Setting(name=_("class"), value=path_, source=""),
                *application_settings(system, name),
                *environment_settings(system, name),
            ],
        )
