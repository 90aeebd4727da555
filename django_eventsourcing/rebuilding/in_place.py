"""In place: the rows of a projection are cleared, and fill again before the eyes of readers."""

import time
from typing import Any

from django.db import transaction

from django_eventsourcing.models import ProjectionRecord
from django_eventsourcing.projections.tables import ShadowTables
from django_eventsourcing.rebuilding.clearing import clear
from django_eventsourcing.rebuilding.rebuild import Rebuild, RebuildResult
from django_eventsourcing.rebuilding.records import Claim, Step
from django_eventsourcing.rebuilding.refusals import (
    require_nothing_recorded,
    require_nothing_refers,
)
from django_eventsourcing.rebuilding.shadow import forget_shadow
from django_eventsourcing.rebuilding.surveys import Survey
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.runners.leases import WorkerIdentity
from django_eventsourcing.runners.threaded import ThreadedRunner
from django_eventsourcing.runners.worker import FollowerWorker

__all__ = ["InPlaceRebuild"]


class InPlaceRebuild(Rebuild):
    """
    Clears the rows and sets the positions back to 0 at once; then processes all events again.

    This process holds the follower meanwhile. If it dies, any worker goes on with what is then
    nothing but catching up.
    """

    kind = ProjectionRecord.Kind.IN_PLACE

    def require_clearable(self) -> None:
        require_nothing_refers(self.system, self.follower)

    def begins_after(self, survey: Survey, upstream_name: str) -> int:
        return min(survey.positions.in_force(upstream_name).values(), default=0)

    def work(self, claim: Claim) -> RebuildResult:
        if not claim.is_resumed:
            self.require_clearable()
            self._clear_shadow(claim)
        drain = self.drain()
        try:
            drain.run(self.runs)
            with database_errors(self.alias), transaction.atomic(using=self.alias):
                if claim.is_resumed:
                    self.seize()
                else:
                    self._begin_anew()
        except BaseException:
            drain.resume(self.runs)
            raise
        events, seconds = self._replay()
        rate = events / seconds if events and seconds else None
        self.rows.finish(self.identity, version=self.version, rate=rate)
        return self.result(claim, events, seconds)

    def _begin_anew(self) -> None:
        """Clear everything that follows from events, in the caller's transaction."""
        # First the positions, as everybody does who processes: nobody writes rows from here on.
        for name in self.upstreams():
            positions = self.take_positions(name)
            self.recorder.put_positions(name, list(positions), 0)
        require_nothing_recorded(self.system, self.follower)
        clear(self.models, self.alias)
        self.forget_letters()
        self.seize(**self.forget_failures())
        self.rows.update(self.identity, step=Step.FILLING, version=self.version)

    def _clear_shadow(self, claim: Claim) -> None:
        """Remove what a rebuild by shadow has left that is given up for this one."""
        if claim.abandoned == ProjectionRecord.Kind.SHADOW:
            ShadowTables(self.models, self.alias).drop()
            with database_errors(self.alias), transaction.atomic(using=self.alias):
                forget_shadow(self.recorder, self.follower)

    def _replay(self) -> tuple[int, float]:
        """Process up to the heads of the logs; return how many, and how long it took."""
        runner = _Replay(
            self.identity,
            system=self.system,
            followers=[self.follower],
            once=True,
            options=self.options,
            write=self.write,
        )
        started = time.monotonic()
        runner.start()
        while not runner.wait(0.1):
            if self.is_stopping():
                runner.stop()
        reports = runner.reports()
        self.require_caught_up({each.state: each.reason for each in reports})
        return sum(each.processed for each in reports), time.monotonic() - started


class _Replayer(FollowerWorker):
    """Processes events again, and does not wait for what fails each time."""

    is_patient = False


class _Replay(ThreadedRunner):
    """Runs the followers that its worker holds already."""

    worker_class = _Replayer

    def __init__(self, identity: WorkerIdentity, **values: Any) -> None:
        super().__init__(**values)
        self._worker_identity = identity

    def _identity(self) -> WorkerIdentity:
        return self._worker_identity
