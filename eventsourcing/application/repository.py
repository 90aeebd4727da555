"""The repository: aggregates, rebuilt from their events."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any
from uuid import UUID

from eventsourcing.application.errors import AggregateNotFoundError
from eventsourcing.persistence import EventStore

__all__ = ["ProjectorFunction", "Repository", "project_aggregate"]

ProjectorFunction = Callable[[Any, Iterable[Any]], Any]
"""Takes an aggregate, or ``None``, and its events in order; returns the aggregate, or ``None``."""


def project_aggregate(aggregate: Any, domain_events: Iterable[Any]) -> Any:
    """Return the aggregate after each event's ``mutate()``."""
    for domain_event in domain_events:
        aggregate = domain_event.mutate(aggregate)
    return aggregate


class Repository:
    """Gets aggregates by their ids."""

    def __init__(self, event_store: EventStore, *, snapshot_store: EventStore | None = None):
        self.event_store = event_store
        self.snapshot_store = snapshot_store

    def get(
        self,
        aggregate_id: UUID | str,
        *,
        version: int | None = None,
        projector_func: ProjectorFunction = project_aggregate,
    ) -> Any:
        """
        Return the aggregate, at its last version or as it was at an earlier one.

        Raise ``AggregateNotFoundError`` if it has no events, or if they make no aggregate, which
        is how one is discarded.
        """
        snapshots: list[Any] = []
        if self.snapshot_store is not None:
            snapshots = list(self.snapshot_store.get(aggregate_id, desc=True, limit=1, lte=version))
        after = snapshots[0].originator_version if snapshots else None
        events = self.event_store.get(aggregate_id, gt=after, lte=version)
        aggregate = projector_func(None, chain(snapshots, events))
        if aggregate is None:
            at_version = "" if version is None else f" at version {version}"
            raise AggregateNotFoundError(f"Aggregate {aggregate_id}{at_version} not found.")
        return aggregate

    def __contains__(self, aggregate_id: UUID | str) -> bool:
        try:
            self.get(aggregate_id)
        except AggregateNotFoundError:
            return False
        return True
