"""Exclusive order: which event tables the settings let only one transaction at a time write to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from django_eventsourcing.conf import SystemConfig, get_aliases, get_config

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent

__all__ = ["is_exclusive", "tables_of"]

_found: dict[str, frozenset[tuple[str, str]]] = {}


def is_exclusive(alias: str, model: type[AbstractStoredEvent]) -> bool:
    """Tell whether ``COMMIT_ORDER`` is ``"exclusive"`` for the model's table in the database."""
    tables = _found.get("tables")
    if tables is None:
        # Read once: what the settings say holds until they change.
        tables = _found["tables"] = frozenset(_exclusive_tables())
    return (alias, model._meta.db_table) in tables


def tables_of(config: SystemConfig) -> Iterator[tuple[str, str]]:
    """Return database and table of the events of each of the system's applications."""
    from django_eventsourcing.registry import ConfiguredSystem

    system = ConfiguredSystem(config)
    for name in system.names:
        if system.is_persisted(name):
            yield system.database_of(name), system.models_of(name).event._meta.db_table


def _exclusive_tables() -> Iterator[tuple[str, str]]:
    try:
        aliases = get_aliases()
    except ImproperlyConfigured:
        return
    for alias in aliases:
        # What is wrong with the settings is told by the checks, and by whatever uses the system.
        try:
            config = get_config(alias)
            if config.commit_order == "exclusive":
                yield from list(tables_of(config))
        except ImproperlyConfigured:
            continue


def _forget() -> None:
    _found.clear()


@receiver(setting_changed)
def _forget_on_change(*, setting: str, **_: Any) -> None:
    if setting in ("EVENTSOURCING", "DATABASES"):
        _forget()
