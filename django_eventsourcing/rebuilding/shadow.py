"""By shadow: a second set of tables is filled while the first one serves, and takes its place."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from threading import Event
from typing import Any

from django.db import connections, transaction

from django_eventsourcing.dead_letters.letters import move_letters
from django_eventsourcing.dead_letters.parking import Parking
from django_eventsourcing.models import DeadLetterRecord, FollowerRecord, ProjectionRecord
from django_eventsourcing.projections.tables import (
    MissingTablesError,
    ShadowTables,
    ShadowTablesError,
)
from django_eventsourcing.rebuilding.errors import RebuildError
from django_eventsourcing.rebuilding.rebuild import Rebuild, RebuildResult
from django_eventsourcing.rebuilding.records import Claim, Step
from django_eventsourcing.rebuilding.refusals import require_nothing_recorded
from django_eventsourcing.rebuilding.surveys import Survey
from django_eventsourcing.recorders import DjangoTrackingRecorder
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.runners.catch_up import CatchUp
from django_eventsourcing.runners.holds import Hold
from django_eventsourcing.runners.outages import Incident
from django_eventsourcing.runners.pipe import Pipe
from django_eventsourcing.runners.report import State
from django_eventsourcing.runners.worker import FollowerWorker
from django_eventsourcing.segments import RETIRED, SHADOW, Segment
from eventsourcing.system import Follower

__all__ = ["ShadowRebuild", "forget_shadow"]

# How often workers may have moved on between the last look and the swap.
_MOST_TRIES = 20


class ShadowRebuild(Rebuild):
    """
    Fills a second set of tables, with positions of its own; then swaps the two.

    Workers go on with the tables in use until then, and with the new ones from then on. Where
    tables and positions cannot be swapped in one transaction, nobody processes between the two: a
    process that dies there leaves that to the next one to complete.
    """

    kind = ProjectionRecord.Kind.SHADOW
    _rate: float | None = None

    def require_clearable(self) -> None:
        """Leave it to the tables to refuse: what refers to rows is pointed to the new ones."""

    def begins_after(self, survey: Survey, upstream_name: str) -> int:
        return survey.positions.shadow.get(upstream_name, 0)

    def work(self, claim: Claim) -> RebuildResult:
        started, events = time.monotonic(), 0
        # What is left to be swapped may have been filled by the code before this one.
        self.version = claim.building
        if claim.step == Step.SWAPPING:
            self._swap()
        else:
            if not claim.is_resumed or not self._tables.exist():
                self._make_tables()
            events = self._fill()
            seconds = time.monotonic() - started
            self._rate = events / seconds if events and seconds else None
            events += self._take_over()
        self.rows.finish(self.identity, version=self.version, rate=self._rate)
        return self.result(claim, events, time.monotonic() - started)

    def _make_tables(self) -> None:
        # Ended before the positions are gone, it leaves new tables that nobody goes on with.
        self.rows.update(self.identity, step=Step.BEGUN)
        self._tables.create(anew=True)
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            forget_shadow(self.recorder, self.follower)
            require_nothing_recorded(self.system, self.follower)
            self.rows.update(self.identity, step=Step.FILLING)

    def _fill(self) -> int:
        """Process up to the heads of the logs into the new tables; return how many that were."""
        worker = self._new_worker()
        worker.start()
        while worker.is_alive():
            worker.join(0.1)
            if self.is_stopping():
                worker.halt()
        if worker.fault is not None:
            raise worker.fault
        self.require_caught_up({worker.state: worker.reason})
        return sum(pipe.processed for pipe in worker.pipes)

    def _take_over(self) -> int:
        """Let workers leave the follower, process the rest, and swap; return how many that were."""
        drain, events = self.drain(), 0
        try:
            drain.run(self.runs)
            with database_errors(self.alias), transaction.atomic(using=self.alias):
                self.seize()
        except BaseException:
            drain.resume(self.runs)
            raise
        for _ in range(_MOST_TRIES):
            events += self._fill()
            with suppress(_BehindError):
                self._swap()
                return events
        raise RebuildError(
            f"Others process {self.follower}, though it is held.  "
            "HINT: Stop the runners, and run this again: it goes on from there."
        )

    def _swap(self) -> None:
        """Let the new tables be those in use; raise ``_BehindError`` if it is too early."""
        if connections[self.alias].vendor == "mysql":
            self._swap_in_steps()
        else:
            self._tables.swap(self._move_positions)

    def _swap_in_steps(self) -> None:
        self._retire_positions()
        try:
            self._tables.swap(self._put_positions)
        except MissingTablesError as error:
            if self._shadow_positions():
                self.rows.update(self.identity, step=Step.BEGUN)
                raise RebuildError(
                    f"The shadow tables of {self.follower} are gone.  HINT: Run this again: it "
                    "begins anew."
                ) from error
            # All that is left to do is to say so.
        except ShadowTablesError:
            self._restore_positions()
            raise

    def _move_positions(self) -> None:
        """Let workers go on where the new tables are; called in the transaction of the swap."""
        with database_errors(self.alias):
            for name, position in self._wanted_positions().items():
                live = self.recorder.positions_in_force(name)
                self.recorder.put_positions(name, list(live), position)
            self._finish()
            self.rows.finish(self.identity, version=self.version, rate=self._rate)

    def _retire_positions(self) -> None:
        """Let nobody process until the tables are swapped, which commits by itself."""
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            if not self._shadow_positions():
                return
            live = {n: self.recorder.positions_in_force(n) for n in self._wanted_positions()}
            if any(live.values()):
                for name, positions in live.items():
                    self.recorder.put_positions(name, list(positions), RETIRED)
                self.rows.update(self.identity, step=Step.SWAPPING, positions=live)

    def _restore_positions(self) -> None:
        """Let workers go on with the tables in use, where these have not been swapped."""
        record = self.rows.read()
        if record is None or not self._tables.exist():
            return
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            for name, positions in record.positions.items():
                for run, position in positions.items():
                    self.recorder.put_positions(name, [run], position)
            self.rows.update(self.identity, step=Step.FILLING, positions={})

    def _put_positions(self) -> None:
        """Let workers go on where the new tables are; called again, it changes nothing."""
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            positions = self._shadow_positions()
            if not positions:
                return
            segments = self.system.segments_of(self.follower)
            for name in self.upstreams():
                self.recorder.resplit(name, segments, positions.get(name, 0))
            self._finish()
            self.rows.update(self.identity, version=self.version)

    def _wanted_positions(self) -> Mapping[str, int]:
        """Lock the positions in force; return the new tables', or raise ``_BehindError``."""
        shadow = self._shadow_positions()
        wanted = {}
        for name in self.upstreams():
            live = max(self.take_positions(name).values(), default=0)
            wanted[name] = shadow.get(name, 0)
            is_followed = name in self.system.upstreams_of(self.follower)
            if is_followed and wanted[name] < live and self._has_next(name, wanted[name], live):
                raise _BehindError
        return wanted

    def _has_next(self, upstream_name: str, after: int, until: int) -> bool:
        """Tell whether the new tables lack something that those in use have."""
        shadow = self._shadow
        return bool(shadow.pull_notifications(upstream_name, 1, start=after, stop=until))

    def _finish(self) -> None:
        """Let what went by the shadow's name go by those of the segments."""
        self.forget_letters()
        letters = DeadLetterRecord.objects.using(self.alias)
        for name in self.upstreams():
            ids = letters.filter(application_name=self._segment.name, upstream_name=name)
            old = letters.filter(application_name__in=self.runs, upstream_name=name)
            old.filter(
                notification_id__in=list(ids.values_list("notification_id", flat=True))
            ).delete()
            move_letters(
                self.alias, name, [self._segment.name], self.system.segments_of(self.follower)
            )
        self.table.seize(self.runs, state=State.RUNNING, **self.forget_failures())
        forget_shadow(self.recorder, self.follower)

    def _shadow_positions(self) -> dict[str, int]:
        with database_errors(self.alias):
            rows = self.recorder.positions.of(self._segment.name).order_by()
            return dict(rows.values_list("upstream_name", "notification_id"))

    @cached_property
    def _tables(self) -> ShadowTables:
        return ShadowTables(self.models, self.alias)

    @cached_property
    def _segment(self) -> Segment:
        return Segment(follower=self.follower, purpose=SHADOW)

    @cached_property
    def _shadow(self) -> Follower:
        """An instance whose positions are the shadow's."""
        follower = self.system.new_segment(Segment(follower=self.follower))
        recorder: Any = follower.recorder
        recorder.segment = self._segment
        for name in self.system.upstreams_of(self.follower):
            leader = self.system.get(name)
            follower.follow(name, leader.notification_log, leader.mapper)
        return follower

    def _new_worker(self) -> "_Filler":
        hold = Hold()
        hold.keep()
        stopping = Event()
        policy = self.system.config.on_error_of(self.follower)
        pipes = [
            Pipe(
                self.system.get(name),
                self._shadow,
                self.options.batch_size,
                stopping.is_set,
                Parking(self.system, self._shadow, name, policy),
            )
            for name in self.system.upstreams_of(self.follower)
        ]
        follows = {self._segment.name: self.system.upstreams_of(self.follower)}
        return _Filler(
            self._tables,
            self._shadow,
            pipes,
            options=replace(self.options, on_error=policy),
            stopping=stopping,
            hold=hold,
            catch_up=CatchUp(follows, follows),
            write=self.write,
            on_end=lambda _: None,
            database=self.system.database_of(self.follower),
            incidents={alias: Incident() for alias in connections},
        )


class _BehindError(Exception):
    """The new tables lack something that those in use have."""


class _Filler(FollowerWorker):
    """Processes into the new tables, and ends when it has caught up, or fails twice alike."""

    is_patient = False

    def __init__(self, tables: ShadowTables, *args: Any, stopping: Event, **values: Any) -> None:
        super().__init__(*args, stopping=stopping, **values)
        self.fault: ShadowTablesError | None = None
        self._tables = tables
        self._is_to_stop = stopping

    def halt(self) -> None:
        """Let it end after the batch in hand."""
        self._is_to_stop.set()
        self.call()

    def run(self) -> None:
        try:
            with self._tables.in_use():
                super().run()
        except ShadowTablesError as error:
            self.fault = error


def forget_shadow(recorder: DjangoTrackingRecorder, follower: str) -> None:
    """Remove the positions and dead letters of a shadow, within the caller's transaction."""
    name = Segment(follower=follower, purpose=SHADOW).name
    recorder.positions.of(name).delete()
    for model in (DeadLetterRecord, FollowerRecord):
        model.objects.using(recorder.alias).filter(application_name=name).delete()
