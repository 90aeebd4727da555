"""Statistics: how much workers process of each follower, minute by minute."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import db
from django.db import connections, transaction
from django.db.models import BigIntegerField, Case, F, Field, FloatField, QuerySet, Value, When

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.operating_models import FollowerRecord, FollowerStatistic
from django_eventsourcing.problems import described
from django_eventsourcing.runners.outages import is_outage
from django_eventsourcing.runners.worker import FollowerWorker

__all__ = ["KEPT", "Progress", "StatisticTable", "Statistics"]

logger = logging.getLogger(__name__)

KEPT = timedelta(hours=2)
"""How long a minute is kept: pages show the last hour."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a worker has processed of one follower since a moment."""

    processed: int
    passed: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class _Mark:
    """How much a worker had processed when it was last looked at."""

    processed: int
    position: int | None
    """Where it was, in all logs together; ``None`` if another worker may have moved it."""
    at: float


class Statistics:
    """
    Adds up what the workers of one database process, to be written with each heartbeat.

    Nothing is lost when it cannot be written: it is part of what is written the next time.
    """

    def __init__(
        self,
        table: "StatisticTable",
        workers: Sequence[FollowerWorker],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = table
        self._workers: Mapping[str, FollowerWorker] = {w.run_name: w for w in workers}
        self._clock = clock
        self._marks = {name: self._mark(name, ()) for name in self._workers}
        self._has_warned = False

    def write(self, held: Collection[str]) -> None:
        """
        Put on record what has been processed since; ``held`` are the followers that are held.

        An outage is raised; whatever else the database refuses is told once, and disturbs nobody.
        """
        now = {name: self._mark(name, held) for name in self._workers}
        found = {name: self._since(name, mark) for name, mark in now.items()}
        for name, worker in self._workers.items():
            # The time of a batch that is in hand counts when it is done.
            if not found[name].processed and not worker.hold.is_busy:
                self._marks[name] = now[name]
        moved = {name: progress for name, progress in found.items() if progress.processed}
        if not moved:
            return
        try:
            written = self._table.add(moved)
        except db.Error as error:
            if is_outage(error):
                raise
            if not self._has_warned:
                logger.warning(
                    "What the followers process is not on record in database %r, so that no rate "
                    "is shown: %s",
                    self._table.alias,
                    described(error),
                )
            self._has_warned = True
        else:
            self._marks |= {name: now[name] for name in written}

    def _mark(self, name: str, held: Collection[str]) -> _Mark:
        pipes = self._workers[name].pipes
        return _Mark(
            processed=sum(pipe.processed for pipe in pipes),
            position=sum(pipe.seen_position or 0 for pipe in pipes) if name in held else None,
            at=self._clock(),
        )

    def _since(self, name: str, now: _Mark) -> Progress:
        mark = self._marks[name]
        processed = now.processed - mark.processed
        is_known = mark.position is not None and now.position is not None
        passed = (now.position or 0) - (mark.position or 0) if is_known else 0
        # Positions go back when they are reset; they pass what is processed in any case.
        return Progress(
            processed=processed, passed=max(processed, passed), seconds=now.at - mark.at
        )


class StatisticTable:
    """
    The minutes of the followers in one database, as workers add to them.

    Minutes are those of the database's clock, so that workers whose own clocks differ add to the
    same. A row that somebody else has locked is left for the next time, where it can be skipped.
    """

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._minute: datetime | None = None
        self._made: set[str] = set()
        """The followers that are known to have a row for the minute."""

    def add(self, progress: Mapping[str, Progress]) -> set[str]:
        """Add what has been processed to this minute; return the followers that it was done for."""
        minute = self._read_minute()
        if minute is None:
            return set()
        if minute != self._minute:
            self._rows.filter(minute__lt=minute - KEPT).delete()
            self._minute, self._made = minute, set()
        # In one order, so that workers never wait for each other in a circle.
        missing = sorted(progress.keys() - self._made)
        if missing:
            rows = [FollowerStatistic(application_name=name, minute=minute) for name in missing]
            self._rows.bulk_create(rows, ignore_conflicts=True)
        added = self._increase(minute, progress)
        self._made = (self._made | added) - (progress.keys() - added)
        return added

    def _increase(self, minute: datetime, progress: Mapping[str, Progress]) -> set[str]:
        rows = self._rows.filter(minute=minute, application_name__in=list(progress))
        can_skip = connections[self.alias].features.has_select_for_update_skip_locked
        with transaction.atomic(using=self.alias):
            free = rows.select_for_update(skip_locked=True) if can_skip else rows
            found = dict(free.order_by("id").values_list("pk", "application_name"))
            if found:
                by_pk = {pk: progress[name] for pk, name in found.items()}
                self._rows.filter(pk__in=found).update(
                    processed=_plus("processed", by_pk, BigIntegerField()),
                    passed=_plus("passed", by_pk, BigIntegerField()),
                    seconds=_plus("seconds", by_pk, FloatField()),
                )
        return set(found.values())

    def _read_minute(self) -> datetime | None:
        # Any row tells the time; there is one of each follower that is held.
        clock = FollowerRecord.objects.using(self.alias).order_by().values_list(DatabaseNow())
        found: list[tuple[datetime]] = list(clock[:1])
        return found[0][0].replace(second=0, microsecond=0) if found else None

    @property
    def _rows(self) -> QuerySet[FollowerStatistic]:
        return FollowerStatistic.objects.using(self.alias)


def _plus(column: str, progress: Mapping[int, Progress], field: "Field[Any, Any]") -> Any:
    whens = [When(pk=pk, then=Value(getattr(each, column))) for pk, each in progress.items()]
    return F(column) + Case(*whens, default=Value(0), output_field=field)
