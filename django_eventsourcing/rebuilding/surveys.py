"""Surveys: what is known of a projection's rows and of a rebuild of them, each read once."""

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from django.db import transaction
from django.db.models.expressions import BaseExpression

from django_eventsourcing.at_once import Counted, let_gather, read_at_once
from django_eventsourcing.models import ProjectionRecord, RebuildRequest, WorkerRecord
from django_eventsourcing.rebuilding.clearing import COUNT_LIMIT, count_rows
from django_eventsourcing.rebuilding.plans import Count
from django_eventsourcing.rebuilding.positions import (
    KeptPositions,
    asked_positions,
    read_positions,
)
from django_eventsourcing.rebuilding.records import (
    Kind,
    Step,
    holder_of,
    read_records,
    request_of,
)
from django_eventsourcing.rebuilding.refusals import models_of
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem

__all__ = ["Survey", "surveys_of"]


class Survey:
    """
    The rows of a projection, and the logs that it follows.

    Each is looked at when it is needed, and kept as it was then: whoever acts by it sees to it that
    nothing has changed.
    """

    def __init__(self, system: ConfiguredSystem, follower: str) -> None:
        self.system = system
        self.follower = follower
        self._alias = system.database_of(follower)
        self._events: dict[tuple[str, int], Count] = {}

    @cached_property
    def record(self) -> ProjectionRecord | None:
        """What is on record of the rows, if anything is."""
        with database_errors(self._alias):
            let_gather(self._alias)
        positions = asked_positions(self.system, self.follower)
        return next(iter(read_records(self._alias, [self.follower], kept=positions)), None)

    @property
    def request(self) -> RebuildRequest | None:
        """What is requested of the projection, if anything is."""
        return request_of(self.record)

    @property
    def holder(self) -> WorkerRecord | None:
        """The process that does the rebuild on record, if it lives."""
        return holder_of(self.record)

    @cached_property
    def positions(self) -> KeptPositions:
        """How far the follower is, and a rebuild beside it."""
        if hasattr(self.record, "kept"):
            return KeptPositions(self.follower, getattr(self.record, "kept", None) or [])
        return read_positions(self.system, self.follower)

    @property
    def under_way(self) -> ProjectionRecord | None:
        """The rebuild under way, or left before it was done."""
        record = self.record
        return None if record is None or not record.kind or self.is_caught_up else record

    @cached_property
    def is_caught_up(self) -> bool:
        """Whether workers have brought a rebuild to its end that was left to them."""
        record = self.record
        if record is None or record.kind != Kind.IN_PLACE or record.step != Step.FILLING:
            return False
        return all(self._first(upstream) >= head for upstream, head in record.heads.items())

    @property
    def percent(self) -> int | None:
        """How much of the logs the rebuild has processed; ``None`` if there is no telling."""
        record = self.record
        total = sum(record.heads.values()) if record else 0
        if record is None or not total:
            return None
        if record.kind == Kind.SHADOW:
            positions = self.positions.shadow
        else:
            positions = {upstream: self._first(upstream) for upstream in record.heads}
        done = sum(min(positions.get(each, 0), head) for each, head in record.heads.items())
        return int(100 * done // total)

    @cached_property
    def rows(self) -> Mapping[str, Count]:
        """How many rows there are, by the models' labels; a bound says that there are more."""
        with database_errors(self._alias):
            counted = count_rows(models_of(self.system, self.follower), self._alias)
        return {model._meta.label: _bounded(number) for model, number in counted.items()}

    def events_after(self, upstream_name: str, start: int) -> Count:
        """Return how many events come after the position, without counting millions."""
        if (upstream_name, start) not in self._events:
            self._count_events(upstream_name, {start, *self._starts(upstream_name)})
        return self._events[upstream_name, start]

    def _starts(self, upstream_name: str) -> set[int]:
        """Return the positions after which any kind of rebuild may begin, or go on."""
        if self.record is None or not self.record.kind:
            return {0}
        return {0, self.positions.shadow.get(upstream_name, 0), self._first(upstream_name)}

    def _first(self, upstream_name: str) -> int:
        """Return how far all segments are in the upstream."""
        return min(self.positions.in_force(upstream_name).values(), default=0)

    def _count_events(self, upstream_name: str, starts: Collection[int]) -> None:
        if not self.system.is_persisted(upstream_name):
            head = self.system.get(upstream_name).recorder.max_notification_id()
            self._events |= {(upstream_name, each): _at_most(head, each) for each in starts}
            return
        database = self.system.database_of(upstream_name)
        events = self.system.models_of(upstream_name).event.objects.using(database)
        asked: dict[int | str, BaseExpression] = {
            each: Counted(events.log_after(upstream_name, each), COUNT_LIMIT + 1) for each in starts
        }
        asked["head"] = events.head(upstream_name)
        with database_errors(database), transaction.atomic(using=database):
            found = read_at_once(database, asked)
        head = found["head"]
        for start in starts:
            counted = _bounded(found[start] or 0)
            self._events[upstream_name, start] = (
                _at_most(head, start) if counted.is_bound else counted
            )


def surveys_of(system: ConfiguredSystem, names: Iterable[str]) -> list[Survey]:
    """Return surveys of the projections whose records are read already, by a query a database."""
    surveys = [Survey(system, name) for name in names]
    kept: dict[str, list[Survey]] = {}
    for survey in surveys:
        kept.setdefault(system.database_of(survey.follower), []).append(survey)
    for alias, own in kept.items():
        records = read_records(alias, [survey.follower for survey in own])
        found = {record.application_name: record for record in records}
        for survey in own:
            survey.record = found.get(survey.follower)
    return surveys


def _at_most(head: int | None, start: int) -> Count:
    return Count(number=max(0, (head or 0) - start), is_bound=True)


def _bounded(number: int) -> Count:
    """Return the count of what was counted to one more than the limit."""
    return Count(number=min(number, COUNT_LIMIT), is_bound=number > COUNT_LIMIT)
