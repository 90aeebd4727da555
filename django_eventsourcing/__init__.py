"""Event-sourced systems in Django projects."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_eventsourcing.registry import applications, get_application, get_system, systems

__all__ = ["applications", "get_application", "get_system", "systems"]


def __getattr__(name: str) -> Any:
    # Django imports this package before the apps are ready, and the system checks must run even
    # where the core cannot be imported: the registry is loaded when it is first used.
    if name in __all__:
        from django_eventsourcing import registry

        return getattr(registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
