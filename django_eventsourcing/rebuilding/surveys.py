"""Surveys: what a rebuild is planned by, read once for all kinds of rebuilds."""

from collections.abc import Mapping
from functools import cached_property

from django.db import transaction
from django.db.models import Subquery
from django.db.models.expressions import BaseExpression

from django_eventsourcing.at_once import Counted, read_at_once
from django_eventsourcing.models import ProjectionRecord, WorkerRecord
from django_eventsourcing.rebuilding.clearing import COUNT_LIMIT, count_rows
from django_eventsourcing.rebuilding.plans import Count
from django_eventsourcing.rebuilding.records import ProjectionRows
from django_eventsourcing.rebuilding.refusals import models_of
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.leases import LeaseTiming

__all__ = ["Survey"]


class Survey:
    """The rows of a projection, and the logs that it follows: each is looked at when needed."""

    def __init__(self, system: ConfiguredSystem, follower: str) -> None:
        self._system = system
        self._follower = follower
        self._alias = system.database_of(follower)
        self._kept = ProjectionRows(self._alias, follower)
        self._events: dict[tuple[str, int], Count] = {}

    @cached_property
    def record(self) -> ProjectionRecord | None:
        """What is on record of the rows, if anything is."""
        return self._kept.read()

    @cached_property
    def holder(self) -> WorkerRecord | None:
        """The process that does the rebuild on record, if it lives."""
        return self._kept.worker(self.record, LeaseTiming()) if self.record else None

    @cached_property
    def rows(self) -> Mapping[str, Count]:
        """How many rows there are, by the models' labels; a bound says that there are more."""
        with database_errors(self._alias):
            counted = count_rows(models_of(self._system, self._follower), self._alias)
        return {model._meta.label: _bounded(number) for model, number in counted.items()}

    def events_after(self, upstream_name: str, start: int) -> Count:
        """Return how many events come after the position, without counting millions."""
        key = upstream_name, start
        if key not in self._events:
            self._events[key] = self._count_events(upstream_name, start)
        return self._events[key]

    def _count_events(self, upstream_name: str, start: int) -> Count:
        if not self._system.is_persisted(upstream_name):
            head = self._system.get(upstream_name).recorder.max_notification_id()
            return _at_most(head, start)
        database = self._system.database_of(upstream_name)
        events = self._system.models_of(upstream_name).event.objects.using(database)
        after = events.log_after(upstream_name, start)
        asked: dict[str, BaseExpression] = {
            "head": Subquery(events.of(upstream_name).order_by("-id").values("id")[:1]),
            "later": Counted(after, COUNT_LIMIT + 1),
        }
        with database_errors(database), transaction.atomic(using=database):
            found = read_at_once(database, asked)
        counted = _bounded(found["later"] or 0)
        return _at_most(found["head"], start) if counted.is_bound else counted


def _at_most(head: int | None, start: int) -> Count:
    return Count(number=max(0, (head or 0) - start), is_bound=True)


def _bounded(number: int) -> Count:
    """Return the count of what was counted to one more than the limit."""
    return Count(number=min(number, COUNT_LIMIT), is_bound=number > COUNT_LIMIT)
