"""Event-sourced systems in Django projects."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_eventsourcing.async_calls import aio
    from django_eventsourcing.conflicts import retry_on_conflict
    from django_eventsourcing.metadata import (
        current_metadata,
        event_metadata,
        processed_event,
    )
    from django_eventsourcing.reading_own_writes import (
        await_for,
        reads_own_writes,
        remember_writes,
        wait_for,
    )
    from django_eventsourcing.registry import applications, get_application, get_system, systems

__all__ = [
    "aio",
    "applications",
    "await_for",
    "current_metadata",
    "event_metadata",
    "get_application",
    "get_system",
    "processed_event",
    "reads_own_writes",
    "remember_writes",
    "retry_on_conflict",
    "systems",
    "wait_for",
]

_ELSEWHERE = {
    "aio": "async_calls",
    "await_for": "reading_own_writes",
    "current_metadata": "metadata",
    "event_metadata": "metadata",
    "processed_event": "metadata",
    "reads_own_writes": "reading_own_writes",
    "remember_writes": "reading_own_writes",
    "retry_on_conflict": "conflicts",
    "wait_for": "reading_own_writes",
}
"""The modules of those names that are not of the registry."""


def __getattr__(name: str) -> Any:
    # Django imports this package before the apps are ready, and the system checks must run even
    # where the core cannot be imported: each name is loaded when it is first used.
    if name in __all__:
        module = _ELSEWHERE.get(name, "registry")
        return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
