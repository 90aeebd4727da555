"""Renaming: models have other tables for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.apps import apps

if TYPE_CHECKING:
    from django.db.models import Model

__all__ = ["renamed", "sharing"]


def sharing(tables: Sequence[str]) -> Sequence[type[Model]]:
    """Return all models of the tables: proxies, and those that others have made for them, too."""
    models = apps.get_models(include_auto_created=True, include_swapped=True)
    return [model for model in models if model._meta.db_table in tables]


@contextmanager
def renamed(models: Sequence[type[Model]], names: Mapping[str, str]) -> Iterator[None]:
    """Let the models have other tables, in all threads, and leave them as they were."""
    before = [(model, model._meta.db_table) for model in models]
    try:
        for model, name in before:
            _set_table(model, names[name])
        yield
    finally:
        for model, name in before:
            _set_table(model, name)


def _set_table(model: type[Model], name: str) -> None:
    meta = model._meta
    meta.db_table = name
    for field in [*meta.local_fields, *meta.private_fields]:
        # Django remembers the column together with the table's name.
        vars(field).pop("cached_col", None)
