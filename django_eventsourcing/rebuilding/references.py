"""References: rows of other tables that would be left without what they refer to."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from django.db import router
from django.db.models import ForeignKey, Model

__all__ = ["referring_from_outside", "tables_of"]


def tables_of(models: Iterable[type[Model]]) -> list[type[Model]]:
    """
    Return the models of all tables that are the projection's, each before those it refers to.

    They are the models themselves, and those that Django makes for their many-to-many fields.
    """
    found: dict[type[Model], None] = {}
    for model in models:
        concrete = model._meta.concrete_model or model
        found[concrete] = None
        for field in concrete._meta.local_many_to_many:
            through: Any = field.remote_field.through
            if through._meta.auto_created:
                found[through] = None
    return _in_order(list(found))


def referring_from_outside(models: Iterable[type[Model]], alias: str) -> list[str]:
    """Return by what rows of other tables refer to these, as ``app.Model.field``, sorted."""
    tables = set(tables_of(models))
    names = {
        _name(field)
        for model in tables
        for field in _foreign_keys_to(model)
        if field.model not in tables
        and field.db_constraint
        and field.model._meta.managed
        and router.allow_migrate_model(alias, field.model)
        and _has_rows(field, alias)
    }
    return sorted(names)


def _foreign_keys_to(model: type[Model]) -> Iterator[Any]:
    for relation in model._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and not relation.many_to_many:
            field = getattr(relation, "field", None)
            if isinstance(field, ForeignKey):
                yield field


def _has_rows(field: Any, alias: str) -> bool:
    rows = cast(Any, field.model)._base_manager.using(alias)
    return bool(rows.filter(**{f"{field.name}__isnull": False}).exists())


def _name(field: Any) -> str:
    owner = field.model._meta.auto_created
    if owner:
        through = next(f for f in owner._meta.many_to_many if f.remote_field.through is field.model)
        return f"{owner._meta.label}.{through.name}"
    return f"{field.model._meta.label}.{field.name}"


def _in_order(models: Sequence[type[Model]]) -> list[type[Model]]:
    left, ordered = list(models), []
    while left:
        referred = {
            field.remote_field.model._meta.concrete_model
            for model in left
            for field in model._meta.local_concrete_fields
            if isinstance(field, ForeignKey) and field.remote_field.model is not model
        }
        # Where they refer to each other in a circle, any of them may be first.
        free = [model for model in left if model not in referred] or left[:1]
        ordered += free
        left = [model for model in left if model not in free]
    return ordered
