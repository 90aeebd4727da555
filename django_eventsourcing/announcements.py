"""Announcements: signals about applications and followers, sent to whoever listens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.dispatch import Signal

from django_eventsourcing.remembering import Writes, current_writes
from django_eventsourcing.signals import events_recorded

__all__ = ["RecordedEvents", "has_listeners", "tell_of"]


def has_listeners() -> bool:
    """Tell whether anyone wants to hear of recorded events, whoever records them."""
    return bool(events_recorded.receivers) or current_writes() is not None


@dataclass(frozen=True)
class RecordedEvents:
    """Tells that an application has recorded events, when it is called: after the commit."""

    application_name: str
    notification_ids: Sequence[int]
    writes: Writes | None = field(default_factory=current_writes)
    """Where it is remembered on whose behalf they were recorded."""

    def __call__(self) -> None:
        if self.writes is not None:
            self.writes.note(self.application_name, max(self.notification_ids))
        if not events_recorded.receivers:
            return
        events_recorded.send_robust(
            _class_of(self.application_name),
            application_name=self.application_name,
            notification_ids=list(self.notification_ids),
        )


def tell_of(follower: str, signal: Signal, **values: Any) -> None:
    """Send a signal about a follower; the sender is its class."""
    if signal.receivers:
        signal.send_robust(_class_of(follower), follower=follower, **values)


def _class_of(application_name: str) -> type | None:
    """Return the class of the application; ``None`` if no configured system has it."""
    # The registry builds what announces.
    from django_eventsourcing.registry import systems

    try:
        for system in systems.values():
            if system.has(system.application_of(application_name)):
                return system.class_of(application_name)
    except ImproperlyConfigured:
        # What was recorded is, whatever is wrong with the settings.
        return None
    return None
