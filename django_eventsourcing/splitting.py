"""Splitting: a follower's positions brought from one number of segments to another."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.db import transaction

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.dead_letters.letters import move_letters, recorder_of
from django_eventsourcing.dead_letters.parking import Parking
from django_eventsourcing.draining import Drain
from django_eventsourcing.errors import OperationError
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.problems import described
from django_eventsourcing.recorders import DjangoProcessRecorder
from django_eventsourcing.recorders.errors import SynchronousFollowerError, database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.segments import Segment
from eventsourcing.persistence import AlreadyProcessedError, RecordConflictError, Tracking
from eventsourcing.system import Follower

__all__ = ["SplitError", "Splitting", "SplittingResult"]

REASON = "es_segments is changing the number of segments"
"""Why the old segments are paused meanwhile."""

# How often positions may have been moved by others between the last look and the change.
_MOST_TRIES = 10
_MOST_CONFLICTS = 20
# Seconds between two lines on what is being brought together.
_LINE = 5.0
_Desired = FollowerRecord.DesiredState


class SplitError(OperationError):
    """The number of segments cannot be changed now; nothing is lost, and nothing has changed."""


@dataclass(frozen=True, kw_only=True)
class SplittingResult:
    """What has been changed."""

    follower: str
    segments: int
    """Into how many the follower is split now."""
    before: Mapping[str, int] = field(default_factory=dict)
    """Into how many it was, by the names of those upstreams of which that is another number."""
    positions: Mapping[str, int] = field(default_factory=dict)
    """Where all new segments begin, by the names of the upstreams."""
    letters: int = 0
    """How many dead letters go by the name of another segment now."""


class Splitting:
    """
    Changes the number of a follower's segments from what is in force to what the settings say.

    The old segments are paused, and brought to one position in each upstream; then, in one
    transaction, the new ones take over there, and the rows of the old ones are retired: a worker
    that goes on with the old number can claim nothing any more. Ended at any point, it has changed
    nothing, or everything; run again, it goes on.
    """

    def __init__(
        self,
        system: ConfiguredSystem,
        follower: str,
        *,
        write: Callable[[str], object] = lambda _: None,
        drain_timeout: float = 30.0,
    ) -> None:
        self._system = system
        self._follower = follower
        self._write = write
        self._drain = Drain(system, follower, REASON, write=write, timeout=drain_timeout)
        self._alias = system.database_of(follower)
        self._new = system.segments_of(follower)
        self._instances: dict[Segment, Follower] = {}

    def run(self) -> SplittingResult:
        """Change what is to be changed; raise ``SplitError`` if that is not possible now."""
        before = self._before()
        if not before:
            # One that was ended before may have left them paused, and the setting as it was.
            self._drain.resume([segment.name for segment in self._new])
            return SplittingResult(follower=self._follower, segments=len(self._new))
        if any(segment.is_synchronous for each in before.values() for segment in each):
            raise SynchronousFollowerError.by(self._follower, " and ".join(before))
        old = sorted({segment.name for segments in before.values() for segment in segments})
        try:
            self._drain.run(old)
            return self._change(before)
        except BaseException:
            self._drain.resume(old)
            raise

    def _change(self, before: Mapping[str, list[Segment]]) -> SplittingResult:
        for _ in range(_MOST_TRIES):
            positions = {name: self._bring_together(name, s) for name, s in before.items()}
            letters = self._take_over(before, positions)
            if letters is not None:
                return SplittingResult(
                    follower=self._follower,
                    segments=len(self._new),
                    before={name: len(segments) for name, segments in before.items()},
                    positions=positions,
                    letters=letters,
                )
        raise SplitError(
            f"Others process {self._follower}, or change it, though it is paused.  "
            "HINT: Stop the runners that have the old number of segments, and run this again."
        )

    @cached_property
    def _recorder(self) -> DjangoProcessRecorder:
        return recorder_of(self._instance(self._new[0]))

    def _instance(self, segment: Segment) -> Follower:
        if segment not in self._instances:
            follower = self._instances[segment] = self._system.new_segment(segment)
            for name in self._system.upstreams_of(self._follower):
                leader = self._system.get(name)
                follower.follow(name, leader.notification_log, leader.mapper)
        return self._instances[segment]

    def _before(self) -> dict[str, list[Segment]]:
        """Return the segments in force, for those upstreams of which they are to be others."""
        new = {segment.name for segment in self._new}
        with database_errors(self._alias):
            rows = self._recorder.positions.like(self._follower).in_force()
            upstreams = set(rows.order_by().values_list("upstream_name", flat=True))
            found = {name: set(self._recorder.positions_in_force(name)) for name in upstreams}
        return {
            upstream: [Segment.parse(name) for name in sorted(names)]
            for upstream, names in sorted(found.items())
            if names and names != new
        }

    def _bring_together(self, upstream_name: str, segments: list[Segment]) -> int:
        """Let all of the segments process up to where the furthest is; return where that is."""
        with database_errors(self._alias):
            positions = self._recorder.positions_in_force(upstream_name)
        furthest = max(positions.values(), default=0)
        for segment in segments:
            if positions.get(segment.name, furthest) < furthest:
                self._process_rest(segment, upstream_name, furthest)
        return furthest

    def _process_rest(self, segment: Segment, upstream_name: str, end: int) -> None:
        follower = self._instance(segment)
        if upstream_name not in follower.readers:
            raise SplitError(
                f"{self._follower} no longer follows {upstream_name}, and its segments are at "
                "different positions there.  HINT: Let it follow it until this is done."
            )
        rest = _Rest(self._system, follower, upstream_name, segment, end)
        next_line = 0.0
        while (position := rest.position) < end:
            if time.monotonic() > next_line:
                self._write(f"{segment.name}: {upstream_name} {position:,} of {end:,}")
                next_line = time.monotonic() + _LINE
            rest.step()

    def _take_over(
        self, before: Mapping[str, list[Segment]], positions: Mapping[str, int]
    ) -> int | None:
        """Change everything at once; return how many letters moved, ``None`` if it is too early."""
        letters = 0
        with transaction.atomic(using=self._alias):
            # First the positions, as everybody does who processes, parks or retries.
            for name in (*before, *self._untouched()):
                if not self._recorder.resplit(name, self._new, positions.get(name, 0)):
                    transaction.set_rollback(True, using=self._alias)
                    return None
            with database_errors(self._alias):
                for name, segments in before.items():
                    old = [segment.name for segment in segments]
                    letters += move_letters(self._alias, name, old, self._new)
                self._move_records({s.name for each in before.values() for s in each})
        return letters

    def _untouched(self) -> list[str]:
        """Return the upstreams in which there is no position yet: an old worker could make one."""
        upstreams = self._system.upstreams_of(self._follower)
        with database_errors(self._alias):
            return [name for name in upstreams if not self._recorder.positions_in_force(name)]

    def _move_records(self, old: set[str]) -> None:
        """Let operators find under the new names what they wanted of the old ones."""
        records = FollowerRecord.objects.using(self._alias)
        names = [segment.name for segment in self._new]
        paused = records.filter(application_name__in=old, desired_state=_Desired.PAUSED)
        reason = paused.exclude(desired_reason=REASON).values_list("desired_reason", flat=True)
        text = reason.order_by("id").first()
        records.filter(application_name__in=old.difference(names)).delete()
        records.bulk_create(
            [FollowerRecord(application_name=name) for name in names], ignore_conflicts=True
        )
        records.filter(application_name__in=names).update(
            desired_state=_Desired.RUNNING if text is None else _Desired.PAUSED,
            desired_reason=text or "",
            retry_requested_at=DatabaseNow(),
            updated_at=DatabaseNow(),
        )


class _Rest:
    """What a segment has left to process of one upstream, up to an id."""

    def __init__(
        self,
        system: ConfiguredSystem,
        follower: Follower,
        upstream_name: str,
        segment: Segment,
        end: int,
    ) -> None:
        self._follower = follower
        self._upstream_name = upstream_name
        self._segment = segment
        self._end = end
        self._policy = system.config.on_error_of(segment.follower)
        self._size = system.config.options.batch_size
        self._parking = Parking(system, follower, upstream_name, self._policy)
        self._singles_left = 0
        self._conflicts = 0

    @property
    def position(self) -> int:
        return recorder_of(self._follower).max_tracking_id(self._upstream_name) or 0

    def step(self) -> None:
        """Process some more; raise ``SplitError`` if that fails."""
        is_single = self._singles_left > 0
        try:
            count = self._follower.process_batch(
                self._upstream_name,
                1 if is_single else self._size,
                stop=self._end,
                sets_aside=self._parking.begin(),
            )
        except AlreadyProcessedError:
            # A worker that has not heard of the pause yet.
            self._parking.forget()
        except Exception as error:  # noqa: BLE001 - whatever a policy raises
            self._parking.forget()
            self._recover(error, is_single=is_single)
        else:
            self._parking.succeeded()
            self._conflicts = 0
            self._singles_left = max(0, self._singles_left - 1)
            if not count:
                # Nothing is left up to the end, where another segment is.
                recorder_of(self._follower).pass_over(Tracking(self._upstream_name, self._end))

    def _recover(self, error: Exception, *, is_single: bool) -> None:
        if isinstance(error, RecordConflictError) and self._conflicts < _MOST_CONFLICTS:
            self._conflicts += 1
            time.sleep(random.uniform(0, 0.02))
        elif not is_single:
            self._singles_left = self._size
        elif self._parking.settle(error, 1) is None or self._parking.is_open:
            failed = self._parking.in_hand
            where = self._upstream_name if failed is None else f"{self._upstream_name} {failed.id}"
            raise SplitError(
                f"{self._segment.name} has failed at {where}: {described(error)}.  "
                "HINT: Mend the cause, or let es_skip move it past that, with the old number of "
                "segments in the settings; then run this again."
            ) from error
