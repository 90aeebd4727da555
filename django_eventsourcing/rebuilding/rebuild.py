"""Rebuilds: the rows of a projection are made again from events, while the system runs."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, cast

from django.db.models import Model

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.draining import Drain
from django_eventsourcing.models import DeadLetterRecord, FollowerRecord
from django_eventsourcing.rebuilding.errors import RebuildError, RebuildStoppedError
from django_eventsourcing.rebuilding.heartbeat import Heartbeat
from django_eventsourcing.rebuilding.plans import RebuildPlan
from django_eventsourcing.rebuilding.records import Claim, ProjectionRows, Step, in_words, time_of
from django_eventsourcing.rebuilding.refusals import (
    models_of,
    require_not_paused,
    require_rebuildable,
    version_of,
)
from django_eventsourcing.rebuilding.surveys import Survey
from django_eventsourcing.recorders import DjangoTrackingRecorder
from django_eventsourcing.recorders.errors import SynchronousFollowerError, database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.leases import LeaseTable, LeaseTiming, WorkerIdentity
from django_eventsourcing.runners.report import State
from eventsourcing.system import Follower

__all__ = ["Rebuild", "RebuildResult"]

REASON = "es_rebuild is taking it over"
"""Why the projection is paused until its workers have left it."""
WORKER_NAME = "es_rebuild"


@dataclass(frozen=True, kw_only=True)
class RebuildResult:
    """What has been done."""

    follower: str
    kind: str
    version: int
    """The version of the projection by which the rows are made."""
    is_resumed: bool
    """Whether it went on where an earlier run had been ended."""
    events: int
    """How many notifications this run has processed."""
    seconds: float
    """How long that took."""


class Rebuild(ABC):
    """
    Makes the rows of one projection again; ended at any point, it goes on when run again.

    Workers go on or let go as the kind of rebuild needs it; nobody has to be stopped. Each event
    has its effect once on the rows that are served in the end, whoever processes it.
    """

    kind: ClassVar[str]
    lease_timing: ClassVar[LeaseTiming] = LeaseTiming()

    def __init__(
        self,
        system: ConfiguredSystem,
        follower: str,
        *,
        write: Callable[[str], object] = lambda _: None,
        by: str = "",
        is_anew: bool = False,
        repeats_effects: bool = False,
        batch_size: int | None = None,
        drain_timeout: float = 30.0,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.system = system
        self.follower = follower
        self.alias = system.database_of(follower)
        self.version = version_of(system, follower)
        self.write = write
        self.rows = ProjectionRows(self.alias, follower)
        self.options = system.config.options
        if batch_size:
            self.options = replace(self.options, batch_size=batch_size)
        self._by = by
        self._is_anew = is_anew
        self._repeats_effects = repeats_effects
        self._drain_timeout = drain_timeout
        self.is_stopping = is_stopping
        """Asked often; when it says so, the batch in hand is finished, and the rest left."""

    def plan(self) -> RebuildPlan:
        """Return what is going to be done; raise ``RebuildRefusedError`` if it cannot be."""
        survey = Survey(self.system, self.follower)
        self.require_possible(survey)
        return self.plan_by(survey)

    def plan_by(self, survey: Survey) -> RebuildPlan:
        """Return the plan by what the survey finds, after ``require_possible()``."""
        record = survey.record
        goes_on = (
            record is not None
            and record.kind == self.kind
            and record.step != Step.BEGUN
            and record.building == self.version
            and not self._is_anew
        )
        if not goes_on:
            self.require_clearable()
        return RebuildPlan(
            follower=self.follower,
            kind=self.kind,
            version=self.version,
            rows=survey.rows,
            events={
                name: survey.events_after(name, self.begins_after(survey, name) if goes_on else 0)
                for name in self.system.upstreams_of(self.follower)
            },
            rate=record.rate if record else None,
            goes_on=goes_on,
        )

    def run(self) -> RebuildResult:
        """Do it; raise ``RebuildError`` if it cannot be done, or not to its end."""
        self.require_possible()
        self.require_ready()
        with Heartbeat(self.table, self.lease_timing):
            claim = self.rows.claim(
                self.kind,
                self.version,
                self.identity,
                heads=self._heads(),
                by=self._by,
                is_anew=self._is_anew,
                timing=self.lease_timing,
            )
            if claim.is_resumed:
                self.write(
                    f"{self.follower}: goes on with the rebuild {in_words(self.kind)} of "
                    f"{time_of(claim.started_at)}"
                    + (f" by {claim.started_by}" if claim.started_by else "")
                )
            return self.work(claim)

    def require_possible(self, survey: Survey | None = None) -> None:
        """Raise ``RebuildRefusedError`` if the rows cannot be made again from events."""
        found = survey or Survey(self.system, self.follower)
        require_rebuildable(
            self.system, self.follower, lambda: found.positions, repeats=self._repeats_effects
        )

    def require_ready(self) -> None:
        """Raise ``RebuildError`` if operators have paused the follower, or somebody is at it."""
        require_not_paused(self.system, self.follower, REASON)
        with database_errors(self.alias):
            # Who was at it may have died just now.
            self.table.prepare()
            self.table.bury_the_dead()
        self.rows.require_claimable(self.kind, self.version, self.lease_timing)

    def require_claimable(self, survey: Survey) -> None:
        """Raise ``RebuildError`` if, as was found, somebody is at it, or something comes first."""
        if survey.record is not None:
            self.rows.require_claimable_by(survey.record, survey.holder, self.kind, self.version)

    @abstractmethod
    def require_clearable(self) -> None:
        """Raise ``RebuildRefusedError`` if this kind of rebuild cannot be begun."""

    @abstractmethod
    def begins_after(self, survey: Survey, upstream_name: str) -> int:
        """Return the position in the upstream from which a rebuild that was begun goes on."""

    @abstractmethod
    def work(self, claim: Claim) -> RebuildResult:
        """Do the work; the worker is known, and the rebuild is its."""

    @property
    def models(self) -> list[type[Model]]:
        """The models whose rows are made again."""
        return list(models_of(self.system, self.follower))

    @property
    def runs(self) -> list[str]:
        """The names under which the follower is run: its segments'."""
        return self.system.runs_of(self.follower)

    @cached_property
    def identity(self) -> WorkerIdentity:
        """This process as a worker."""
        return WorkerIdentity.of_this_process(self.system.alias, WORKER_NAME)

    @cached_property
    def table(self) -> LeaseTable:
        """The leases of the follower's segments."""
        return LeaseTable(
            self.alias, self.runs, self.identity, takes_share=False, timing=self.lease_timing
        )

    @cached_property
    def recorder(self) -> DjangoTrackingRecorder:
        """That of the follower as a whole."""
        return cast(DjangoTrackingRecorder, cast(Follower, self.system.get(self.follower)).recorder)

    def upstreams(self) -> list[str]:
        """Return the names of all upstreams in which there are positions, or are to be."""
        rows = self.recorder.positions.like(self.follower).order_by()
        found = rows.values_list("application_name", "upstream_name")
        names = {upstream for name, upstream in found if self._is_own(name)}
        return sorted(names.union(self.system.upstreams_of(self.follower)))

    def take_positions(self, upstream_name: str) -> dict[str, int]:
        """
        Lock the positions in the upstream, within the caller's transaction; return them.

        Raise ``SynchronousFollowerError`` if the follower has become synchronous meanwhile: whoever
        records then writes its rows, and asks for no position.
        """
        positions = self.recorder.take_positions(upstream_name)
        if self.recorder.is_synchronous(upstream_name):
            raise SynchronousFollowerError.by(self.follower, upstream_name)
        return positions

    def drain(self) -> "Drain":
        """Return what lets workers leave the follower."""
        return Drain(
            self.system, self.follower, REASON, write=self.write, timeout=self._drain_timeout
        )

    def seize(self, **values: object) -> None:
        """Hold the follower, which was paused until its workers had left, and let it run."""
        self.table.seize(self.runs, state=State.RUNNING, **values)
        paused = FollowerRecord.objects.using(self.alias).filter(
            application_name__in=self.runs, desired_reason=REASON
        )
        paused.update(desired_state=FollowerRecord.DesiredState.RUNNING, desired_reason="")

    def forget_failures(self) -> dict[str, object]:
        """Return the values of a follower that has not failed."""
        return {
            "upstream_name": "",
            "notification_id": None,
            "error": "",
            "traceback": "",
            "attempts": 0,
            "failed_at": None,
            "retry_requested_at": DatabaseNow(),
        }

    def forget_letters(self) -> None:
        """Remove what is parked: it is tried again, with all the others."""
        parked = DeadLetterRecord.objects.using(self.alias).filter(
            application_name__in=self.runs, status=DeadLetterRecord.Status.PARKED
        )
        parked.delete()

    def result(self, claim: Claim, events: int, seconds: float) -> RebuildResult:
        """Return what has been done."""
        return RebuildResult(
            follower=self.follower,
            kind=self.kind,
            version=self.version,
            is_resumed=claim.is_resumed,
            events=events,
            seconds=seconds,
        )

    def require_caught_up(self, states: Mapping[State, str]) -> None:
        """Raise ``RebuildError`` unless all has been processed; states come with their reasons."""
        for state, reason in states.items():
            if state is State.FAILED:
                raise RebuildStoppedError(
                    f"{self.follower} has {reason}.  HINT: Mend the cause, then run this again: it "
                    "goes on from there."
                )
        for state, reason in states.items():
            if state is not State.CAUGHT_UP:
                why = f" ({reason})" if reason else ""
                raise RebuildError(
                    f"{self.follower} was not rebuilt to the end: {state}{why}.  HINT: Run this "
                    "again: it goes on from there."
                )

    def _is_own(self, name: str) -> bool:
        return self.system.application_of(name) == self.follower

    def _heads(self) -> dict[str, int]:
        leaders = {name: self.system.get(name) for name in self.system.upstreams_of(self.follower)}
        return {name: app.recorder.max_notification_id() or 0 for name, app in leaders.items()}
