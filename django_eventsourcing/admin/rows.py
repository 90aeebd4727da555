"""Rows: what projections have written of an aggregate, and the way back to its events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.core.exceptions import FieldDoesNotExist
from django.db import Error as DatabaseError
from django.db.models import Field, Model, UUIDField
from django.http import HttpRequest
from django.urls import reverse

from django_eventsourcing.admin.event_links import viewable_admin
from django_eventsourcing.admin.places import Place, find_places
from django_eventsourcing.payloads import visible
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.reading import separate_look
from django_eventsourcing.registry import ConfiguredSystem

__all__ = ["RowLink", "find_rows", "originator_field", "places_behind"]

MOST_MODELS = 3
"""Models whose rows are looked for, a query for each."""
MOST_ROWS = 10
"""Rows of one model that are shown."""
NAMES = ("originator_id", "aggregate_id")


@dataclass(frozen=True, kw_only=True)
class RowLink:
    """A row that a projection has written."""

    projection: str
    model: str
    text: str
    url: str = ""
    """Its page in the admin, for those who may see it."""


def originator_field(model: type[Model]) -> "Field[Any, Any] | None":
    """
    Return the field that has the id of the aggregate that a row is about.

    That is the primary key, if it is a UUID; otherwise the UUID named ``originator_id`` or
    ``aggregate_id``.
    """
    key = model._meta.pk
    if isinstance(key, UUIDField):
        return key
    for name in NAMES:
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        if isinstance(field, UUIDField):
            return field
    return None


def find_rows(
    request: HttpRequest, site: AdminSite, place: Place, originator_id: UUID | str
) -> Sequence[RowLink]:
    """Return the rows that are about an aggregate of the application, those that may be seen."""
    if not isinstance(originator_id, UUID):
        return []
    return list(_rows(request, site, place, originator_id))


def places_behind(model: type[Model]) -> list[Place]:
    """Return the applications whose events a projection writes into the model's rows."""
    places = find_places()
    found = []
    for system in places.systems:
        for name, models in _projections(system):
            if model._meta.concrete_model in models:
                found += [Place(system=system, name=each) for each in system.upstreams_of(name)]
    return list(dict.fromkeys(found))


def _projections(system: ConfiguredSystem) -> Iterator[tuple[str, Sequence[type[Model]]]]:
    for name in system.system.followers:
        cls = system.class_of(name)
        if issubclass(cls, ModelProjection):
            yield name, cls.models


def _rows(
    request: HttpRequest, site: AdminSite, place: Place, originator_id: UUID
) -> Iterator[RowLink]:
    left = MOST_MODELS
    for name, models in _projections(place.system):
        if place.name not in place.system.upstreams_of(name):
            continue
        for model in models:
            field = originator_field(model)
            if field is None or not left or viewable_admin(site, request, model) is None:
                continue
            left -= 1
            database = place.system.database_of(name)
            rows = model._default_manager.using(database).filter(**{field.name: originator_id})
            try:
                with separate_look(database):
                    found = [(row.pk, str(row)) for row in rows.order_by("pk")[:MOST_ROWS]]
            except DatabaseError:
                # The table may not be there yet, or be in a database that does not answer.
                continue
            opts = model._meta
            for key, text in found:
                target = f"{site.name}:{opts.app_label}_{opts.model_name}_change"
                yield RowLink(
                    projection=name,
                    model=str(opts.verbose_name),
                    text=visible(text),
                    url=reverse(target, args=(quote(key),)),
                )
