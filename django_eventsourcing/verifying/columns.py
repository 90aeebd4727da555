"""Columns: which of a table's follow from events, and by which of them rows are told apart."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import AutoField, BigAutoField, Field, ForeignKey, Model, SmallAutoField
from django.db.models.fields import NOT_PROVIDED

__all__ = ["Columns", "columns_of"]

Lookups = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """How the rows of a table are walked through, told apart and compared."""

    order: Lookups
    """Unique, and indexed."""
    key: Lookups
    """The same in each replay; empty if only whole rows can be compared."""
    values: Lookups
    left_out: Lookups
    """Those that do not follow from events, or cannot be followed to what they refer to."""


def columns_of(
    model: type[Model], models: Collection[type[Model]], ignored: Collection[str] = ()
) -> Columns:
    """
    Return the columns of a model, of which ``models`` are made again together.

    Keys that are given by a sequence or a default, such as a random UUID, are others in each
    replay: then unique constraints tell rows apart, and references are compared by what they
    refer to.
    """
    finder = _Finder(models)
    pk = tuple(field.attname for field in _pk_fields(model))
    key = finder.key_of(model) or ()
    values: list[str] = []
    left_out: list[str] = []
    for field in _fields_of(model):
        label = f"{model._meta.label}.{field.name}"
        lookups = finder.lookups(field)
        is_told = label not in ignored and not _is_clock(field) and not _is_generated(field)
        if not (is_told and lookups):
            left_out.append(field.name)
        else:
            values += [each for each in lookups if each not in key]
    is_local = bool(key) and all(name in _plain_names(model) for name in key)
    return Columns(
        order=key if is_local else pk, key=key, values=tuple(values), left_out=tuple(left_out)
    )


class _Finder:
    """Finds what identifies rows, through references between the tables."""

    def __init__(self, models: Collection[type[Model]]) -> None:
        self._models = models

    def key_of(self, model: type[Model], seen: tuple[type[Model], ...] = ()) -> Lookups | None:
        """Return what tells the model's rows apart in any replay; ``None`` if nothing does."""
        seen = (*seen, model)
        found = [
            lookups
            for fields in _unique_fields(model)
            if (lookups := self._all_lookups(fields, seen)) is not None
        ]
        # What lies in the table itself is compared sooner.
        return min(found, key=lambda each: any("__" in name for name in each), default=None)

    def lookups(self, field: Any) -> Lookups:
        """Return by which values the column is compared; none, if there is no telling."""
        target = _target_of(field, self._models)
        if target is None or not _is_generated(field.target_field):
            return (field.attname,)
        found = self.key_of(target) or tuple(self._values_of(target))
        return tuple(f"{field.name}__{name}" for name in found)

    def _all_lookups(self, fields: Sequence[Any], seen: tuple[type[Model], ...]) -> Lookups | None:
        found: list[str] = []
        for field in fields:
            target = _target_of(field, self._models)
            if target is None or not _is_generated(field.target_field):
                found.append(field.attname)
                continue
            key = None if target in seen else self.key_of(target, seen)
            if key is None:
                return None
            found += [f"{field.name}__{name}" for name in key]
        return tuple(found)

    def _values_of(self, model: type[Model]) -> Iterator[str]:
        for field in _fields_of(model):
            target = _target_of(field, self._models)
            is_reference = target is not None and _is_generated(field.target_field)
            if not (is_reference or _is_generated(field) or _is_clock(field)):
                yield field.attname


def _unique_fields(model: type[Model]) -> Iterator[Sequence[Any]]:
    """Yield the fields that are unique together and never null: those of the key first."""
    meta = model._meta
    pk = _pk_fields(model)
    if not any(_is_generated(field) for field in pk):
        yield pk
    for field in _fields_of(model):
        if field.unique and not field.primary_key and not field.null and not _is_generated(field):
            yield [field]
    together = [*meta.unique_together, *(c.fields for c in meta.total_unique_constraints)]
    for names in together:
        fields: list[Any] = [meta.get_field(name) for name in names]
        if not any(field.null or _is_generated(field) for field in fields):
            yield fields


def _pk_fields(model: type[Model]) -> Sequence[Any]:
    meta: Any = model._meta
    return list(getattr(meta, "pk_fields", None) or [meta.pk])


def _fields_of(model: type[Model]) -> list[Any]:
    return [field for field in model._meta.local_concrete_fields if field.column is not None]


def _plain_names(model: type[Model]) -> set[str]:
    return {field.attname for field in _fields_of(model)}


def _target_of(field: Any, models: Collection[type[Model]]) -> type[Model] | None:
    if not isinstance(field, ForeignKey):
        return None
    target: type[Model] = field.remote_field.model
    concrete = target._meta.concrete_model or target
    return concrete if concrete in models else None


def _is_generated(field: "Field[Any, Any]") -> bool:
    """Tell whether the value of a key is another one in each replay."""
    if isinstance(field, (AutoField, BigAutoField, SmallAutoField)):
        return True
    if not field.primary_key:
        return False
    has_default = field.default is not NOT_PROVIDED and callable(field.default)
    return has_default or getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED


def _is_clock(field: Any) -> bool:
    """Tell whether the column says when the row was written, not what follows from events."""
    return bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))
