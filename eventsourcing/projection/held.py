"""Held aggregates: those that a unit of work gets again and again, and changes each time."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from eventsourcing.application import project_aggregate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

__all__ = ["HeldAggregates"]


class HeldAggregates:
    """
    Keeps aggregates as they were read, and brings them up to date by what was collected since.

    ``as_read`` returns an event as it will be when it is read from where it is recorded. What is
    kept is given to nobody: policies get copies.
    """

    def __init__(self, as_read: Callable[[Any], Any]) -> None:
        self._as_read = as_read
        self._held: dict[UUID | str, tuple[Any, list[Any]]] = {}

    def hold(self, aggregate_id: UUID | str, aggregate: Any) -> None:
        """Keep an aggregate that has just been read, if it can be copied."""
        try:
            self._held[aggregate_id] = deepcopy(aggregate), []
        except Exception:  # noqa: BLE001 - it is read anew each time instead
            self._held.pop(aggregate_id, None)

    def add(self, events: Iterable[Any]) -> None:
        """Note events that have been collected after those that the aggregates have."""
        for event in events:
            held = self._held.get(event.originator_id)
            if held is not None:
                held[1].append(event)

    def get(self, aggregate_id: UUID | str) -> Any:
        """Return a copy of the aggregate as it is now; ``None`` if it is to be read."""
        aggregate, later = self._held.pop(aggregate_id, (None, []))
        if aggregate is None:
            return None
        try:
            aggregate = project_aggregate(aggregate, map(self._as_read, later))
            copy = deepcopy(aggregate)
        except Exception:  # noqa: BLE001 - it fails the same way when it is read, or does not
            return None
        if aggregate is not None:
            self._held[aggregate_id] = aggregate, []
        return copy

    def clear(self) -> None:
        """Keep nothing, as there may be events that have not been noted."""
        self._held.clear()
