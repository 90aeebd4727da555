"""Processing events: what one save, or one run of a policy, has to record."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from eventsourcing.persistence import Tracking

__all__ = ["ProcessingEvent"]


class ProcessingEvent:
    """
    Collects new domain events, to be recorded together.

    With ``tracking``, the position of the event that is being processed is recorded in the same
    transaction.
    """

    def __init__(self, tracking: Tracking | None = None) -> None:
        self.tracking = tracking
        self.events: list[Any] = []
        self.aggregates: dict[UUID | str, Any] = {}
        self.saved_kwargs: dict[str, Any] = {}
        self._collected: list[tuple[Any, list[Any]]] = []

    def collect_events(self, *objs: Any, **kwargs: Any) -> None:
        """
        Take the pending events of aggregates, and events given as such, in the order given.

        ``None`` is passed over. An aggregate that keeps no pending events, such as an immutable
        one, may be given with its new events, so that it can be cached, and snapshots taken.
        Keyword arguments travel to the recorder.
        """
        for obj in objs:
            if obj is None:
                continue
            if getattr(obj, "collect_events", None) is not None:
                self._collect_pending(obj)
            elif _is_aggregate(obj):
                self.aggregates[obj.id] = obj
            else:
                self.events.append(obj)
        self.saved_kwargs.update(kwargs)

    def save(self, *objs: Any, **kwargs: Any) -> None:
        """Do what ``collect_events()`` does; an earlier name of it."""
        warnings.warn(
            "ProcessingEvent.save() is deprecated. Use collect_events().",
            DeprecationWarning,
            stacklevel=2,
        )
        self.collect_events(*objs, **kwargs)

    def restore_events(self) -> None:
        """Give the aggregates their pending events back, after recording them has failed."""
        for aggregate, events in self._collected:
            pending = getattr(aggregate, "pending_events", None)
            if isinstance(pending, list):
                pending[:0] = events

    def _collect_pending(self, aggregate: Any) -> None:
        events = list(aggregate.collect_events())
        self.events.extend(events)
        self._collected.append((aggregate, events))
        self.aggregates[aggregate.id] = aggregate


def _is_aggregate(obj: Any) -> bool:
    # By the names of the protocols: to ask whether an object is an instance of one takes longer
    # than to record it. An event may have an 'id' and a 'version' among its values.
    is_event = hasattr(obj, "originator_id") and hasattr(obj, "originator_version")
    return not is_event and hasattr(obj, "id") and hasattr(obj, "version")
