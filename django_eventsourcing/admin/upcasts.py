"""Upcasts: what an event says as it is stored, beside what it says as it is read now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django_eventsourcing.admin.attributes import Attribute, compared
from django_eventsourcing.admin.places import Place
from django_eventsourcing.payloads import event_values, readable
from eventsourcing.persistence import StoredEvent
from eventsourcing.topics import find_topic

__all__ = ["Upcast", "upcast_of"]


@dataclass(frozen=True, kw_only=True)
class Upcast:
    """An event that is read otherwise than it is stored, or that can be decoded, and not read."""

    values: Sequence[Attribute]
    """What is stored is ``before``."""
    stored_version: Any
    """The version of the class when it was stored."""
    version: int | None
    """The class's present version; ``None`` if the event cannot be read now."""


def upcast_of(place: Place, event: StoredEvent) -> Upcast | None:
    """Return the event as it is stored and as it is read now; ``None`` without a difference."""
    try:
        mapper = place.application.mapper
        stored = mapper.to_state(event)
        if not isinstance(stored, dict):
            return None
        stored_version = stored.pop("class_version", 1)
        before = readable(stored)
    except Exception:  # noqa: BLE001  Why it cannot be read is told beside it.
        return None
    try:
        now = readable(event_values(mapper, event))
        version = getattr(find_topic(event.topic), "class_version", 1)
    except Exception:  # noqa: BLE001  Likewise; what is stored is worth the more.
        values = list(compared(before, {}, {}))
        return Upcast(values=values, stored_version=stored_version, version=None)
    if before == now and stored_version == version:
        return None

    kinds = {
        name: "changed" if name in before else "added"
        for name, value in now.items()
        if name not in before or before[name] != value
    }
    return Upcast(
        values=list(compared(before, now, kinds)),
        stored_version=stored_version,
        version=version,
    )
