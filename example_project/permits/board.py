"""The board of cases: rows that follow from what happens in the permit office."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import F

from django_eventsourcing.projections import ModelProjection, ProjectedEvent
from eventsourcing.persistence import Tracking
from eventsourcing.topics import get_topic
from example_project.permits.domain import PermitCase
from example_project.permits.models import CaseRow, ResourceLoad

__all__ = ["CaseBoard"]

# What a row is made of, but for the id of the aggregate.
FOLLOWS = [field.name for field in CaseRow._meta.concrete_fields if not field.primary_key]
LONGEST = 255
"""How many characters a row has for a text; what a file has more of is in the events."""


class CaseBoard(ModelProjection):
    """
    Keeps a row for each case, and counts what each resource has done.

    However many events come at once, each table is read and written once.
    """

    models = [CaseRow, ResourceLoad]
    topics = [get_topic(PermitCase.Opened), get_topic(PermitCase.ActivityCompleted)]

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Take in one event."""
        self._take_in([domain_event])

    def process_events(self, events: Sequence[ProjectedEvent]) -> None:
        """Take in several events."""
        self._take_in([event.domain_event for event in events])

    def _take_in(self, events: Sequence[Any]) -> None:
        rows = self._rows({event.originator_id for event in events})
        load: Counter[str] = Counter()
        for event in events:
            if isinstance(event, PermitCase.Opened):
                rows[event.originator_id] = _opened(event)
            elif isinstance(event, PermitCase.ActivityCompleted):
                _complete(rows[event.originator_id], event)
                load[event.resource[:LONGEST]] += 1
        self._write(rows.values())
        self._add(load)

    def _rows(self, ids: Iterable[UUID]) -> dict[UUID, CaseRow]:
        return CaseRow.objects.using(self.database).in_bulk(list(ids))

    def _write(self, rows: Iterable[CaseRow]) -> None:
        features = connections[self.database].features
        targeted = features.supports_update_conflicts_with_target
        CaseRow.objects.using(self.database).bulk_create(
            rows,
            update_conflicts=True,
            update_fields=FOLLOWS,
            unique_fields=["aggregate_id"] if targeted else None,
        )

    def _add(self, load: Counter[str]) -> None:
        loads = ResourceLoad.objects.using(self.database)
        known = set(loads.filter(resource__in=load).values_list("resource", flat=True))
        loads.bulk_create(ResourceLoad(resource=name) for name in sorted(set(load) - known))
        for name in sorted(load):
            loads.filter(resource=name).update(activities=F("activities") + load[name])


def _opened(event: PermitCase.Opened) -> CaseRow:
    return CaseRow(
        aggregate_id=event.originator_id,
        case_id=event.case_id[:LONGEST],
        channel=event.channel[:LONGEST],
        department=event.department[:LONGEST],
        responsible=event.responsible[:LONGEST],
        started=event.started,
        deadline=event.deadline,
    )


def _complete(row: CaseRow, event: PermitCase.ActivityCompleted) -> None:
    row.activities += 1
    if row.state_since is None or event.completed_at >= row.state_since:
        row.state, row.state_since = event.activity[:LONGEST], event.completed_at
        row.open_days = (event.completed_at - row.started).days
    row.is_late = row.is_late or (row.deadline is not None and event.completed_at > row.deadline)
