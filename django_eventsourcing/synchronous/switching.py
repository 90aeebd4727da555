"""Switching: a follower made synchronous, or asynchronous again, without an event passed by."""

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from django_eventsourcing.conflicts import is_lock_conflict
from django_eventsourcing.dead_letters.letters import count_parked, recorder_of
from django_eventsourcing.draining import Drain
from django_eventsourcing.errors import OperationError
from django_eventsourcing.ordering import get_commit_order
from django_eventsourcing.problems import described
from django_eventsourcing.progress import ProgressLog
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.segments import Segment
from django_eventsourcing.session_variables import session_variable
from eventsourcing.application import LocalNotificationLog
from eventsourcing.exceptions import EventSourcingError
from eventsourcing.persistence import AlreadyProcessedError, Tracking

__all__ = ["Switching", "SwitchingError", "SwitchingResult"]

REASON = "es_sync is making it synchronous"
"""Why the follower is paused meanwhile."""

# Seconds for which those who record wait, at most, while the transactions before are waited for.
_LOCK_TIMEOUT = 2
# Seconds between two attempts, and between two lines on that.
_BREATH, _LINE = 0.1, 5.0


class SwitchingError(OperationError):
    """It cannot be changed now; nothing is lost, and nothing has changed."""


@dataclass(frozen=True, kw_only=True)
class SwitchingResult:
    """What has been changed."""

    follower: str
    is_synchronous: bool
    """What it is now."""
    positions: Mapping[str, int] = field(default_factory=dict)
    """The last notification before it, by the names of those upstreams that it concerns."""


class Switching:
    """
    Changes whether a follower processes in the transactions that record, or workers do so later.

    Between the two stands a barrier: a transaction that waits until all who have recorded events
    of the upstream applications have committed, and keeps others from recording until it has
    processed what is left, and has changed the position. Whoever records next finds it changed.
    Ended at any point, it has changed nothing, or everything.
    """

    def __init__(
        self,
        system: ConfiguredSystem,
        follower: str,
        *,
        write: Callable[[str], object] = lambda _: None,
        drain_timeout: float = 30.0,
        lock_timeout: float = 30.0,
    ) -> None:
        self._system = system
        self._name = follower
        self._write = write
        self._lock_timeout = lock_timeout
        self._alias = system.database_of(follower)
        self._drain = Drain(system, follower, REASON, write=write, timeout=drain_timeout)
        self._follower = system.new_segment(Segment(follower=follower))
        self._recorder = recorder_of(self._follower)
        self._batch_size = system.config.options.batch_size

    def make_synchronous(self) -> SwitchingResult:
        """Let it process in the transactions that record, after all that is recorded already."""
        upstreams = [
            name
            for name in self._system.upstreams_of(self._name)
            if not self._recorder.is_synchronous(name)
        ]
        if not upstreams:
            # One that was ended before may have left it paused.
            self._drain.resume([self._name])
            return SwitchingResult(follower=self._name, is_synchronous=True)
        for upstream in upstreams:
            self._require_whole(upstream)
        try:
            self._drain.run([self._name])
            self._follow(lambda leader: leader)
            for upstream in upstreams:
                self._catch_up(upstream)
            self._require_nothing_parked()
            self._follow(_settled)
            positions = self._behind_the_barrier(upstreams, self._take_over)
        finally:
            self._drain.resume([self._name])
        return SwitchingResult(follower=self._name, is_synchronous=True, positions=positions)

    def make_asynchronous(self) -> SwitchingResult:
        """Let workers process what is recorded from now on."""
        upstreams = [
            name
            for name in self._system.upstreams_of(self._name)
            if self._recorder.is_synchronous(name)
        ]
        positions = self._behind_the_barrier(upstreams, self._hand_over) if upstreams else {}
        # One that made it synchronous, and was ended just then, has left it paused.
        self._drain.resume([self._name])
        return SwitchingResult(follower=self._name, is_synchronous=False, positions=positions)

    def _require_whole(self, upstream: str) -> None:
        with database_errors(self._alias):
            others = set(self._recorder.positions_in_force(upstream)) - {self._name}
        if others:
            raise SwitchingError(
                f"{self._name} is split into {len(others)} segments in {upstream}.  HINT: Join "
                f"them first: remove SEGMENTS from the settings and run 'manage.py es_segments "
                f"{self._name}'."
            )

    def _require_nothing_parked(self) -> None:
        number = count_parked(self._system, [self._name]).get(self._name, 0)
        if number:
            letters = "1 dead letter" if number == 1 else f"{number:,} dead letters"
            raise SwitchingError(
                f"{self._name} has {letters}, to be processed before later events of the same "
                f"aggregates.  HINT: Retry or discard what is parked first: see "
                f"'manage.py es_deadletters {self._name}'."
            )

    def _follow(
        self, seen: Callable[[DjangoApplicationRecorder], DjangoApplicationRecorder]
    ) -> None:
        for name in self._system.upstreams_of(self._name):
            leader = self._system.get(name)
            recorder = seen(cast(DjangoApplicationRecorder, leader.recorder))
            log = LocalNotificationLog(recorder, section_size=self._batch_size)
            self._follower.follow(name, log, leader.mapper)

    def _catch_up(self, upstream: str) -> None:
        """Process what has been recorded so far, while others go on recording."""
        progress = ProgressLog(self._write, self._name, left_word="ids left")
        leader = self._leader(upstream)
        with database_errors(self._alias):
            goal = leader.log.of(upstream).last_position() or 0
        waits = self._waits([upstream])
        while (position := self._recorder.max_tracking_id(upstream) or 0) < goal:
            end = leader.settled_notification_id(position) or 0
            if end <= position:
                # There may come more before what is visible.
                next(waits)
                continue
            try:
                self._process(upstream, end)
            except (DatabaseError, EventSourcingError) as error:
                if not is_lock_conflict(error):
                    raise
                next(waits)
                continue
            # What comes next has all of the time again.
            waits = self._waits([upstream])
            moved = self._recorder.max_tracking_id(upstream) or 0
            progress.advance(moved - position, left=partial(int.__sub__, goal, moved))

    def _process(self, upstream: str, end: int) -> None:
        """
        Process some notifications up to ``end``, or find that there are none.

        A lock that others hold is no failure of the policy, and goes on as it is.
        """
        try:
            count = self._follower.process_next(upstream, self._batch_size, stop=end)
        except AlreadyProcessedError:
            # A worker that has not heard of the pause yet.
            return
        except Exception as error:
            if is_lock_conflict(error):
                raise
            position = self._recorder.max_tracking_id(upstream) or 0
            raise SwitchingError(
                f"{self._name} fails after {upstream} {position}: {described(error)}.  HINT: Mend "
                "the cause, and run this again."
            ) from error
        if not count:
            self._recorder.pass_over(Tracking(upstream, end))

    def _behind_the_barrier(
        self, upstreams: list[str], change: Callable[[str], int]
    ) -> dict[str, int]:
        """Make the change of each upstream while nobody records; return the positions."""
        waits = self._waits(upstreams)
        while True:
            try:
                with (
                    database_errors(self._alias),
                    _impatient(connections[self._alias]),
                    transaction.atomic(using=self._alias),
                ):
                    # First the positions, as everybody does who processes.
                    for upstream in upstreams:
                        self._recorder.take_positions(upstream)
                    for upstream in upstreams:
                        self._exclude_writers(upstream)
                    return {upstream: change(upstream) for upstream in upstreams}
            except EventSourcingError as error:
                if not is_lock_conflict(error):
                    raise
            next(waits)

    def _waits(self, upstreams: Sequence[str]) -> Iterator[None]:
        """Let open transactions end for a moment, with each step; raise if it takes too long."""
        deadline = time.monotonic() + self._lock_timeout
        next_line = 0.0
        while time.monotonic() < deadline:
            if time.monotonic() > next_line:
                self._write(f"{self._name}: waiting for transactions that have recorded events")
                next_line = time.monotonic() + _LINE
            time.sleep(_BREATH)
            yield
        raise SwitchingError(
            f"Not within {self._lock_timeout:g} s: all transactions at an end that have recorded "
            f"events of {' or '.join(upstreams)}.  HINT: End those that are open, or allow more by "
            "--lock-timeout."
        )

    def _exclude_writers(self, upstream: str) -> None:
        connection = connections[self._alias]
        model = self._leader(upstream).log.model
        if connection.vendor == "postgresql":
            # Until the end of the transaction: while it waits for rows, too, others wait for it.
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}s'")
        get_commit_order(connection).exclude_writers(connection, model)

    def _take_over(self, upstream: str) -> int:
        end = self._leader(upstream).log.of(upstream).last_position() or 0
        while (position := self._recorder.max_tracking_id(upstream) or 0) < end:
            self._process(upstream, end)
        if not self._recorder.become_synchronous(upstream, position):
            raise SwitchingError(
                f"The position of {self._name} in {upstream} is held by others.  HINT: Run this "
                "again."
            )
        return position

    def _hand_over(self, upstream: str) -> int:
        position = self._leader(upstream).log.of(upstream).last_position() or 0
        self._recorder.become_asynchronous(upstream, position)
        return position

    def _leader(self, upstream: str) -> DjangoApplicationRecorder:
        return cast(DjangoApplicationRecorder, self._system.get(upstream).recorder)


def _impatient(connection: BaseDatabaseWrapper) -> AbstractContextManager[None]:
    """Let the session wait for rows for a short time only, where that cannot be said elsewhere."""
    if connection.vendor != "mysql":
        return nullcontext()
    return session_variable(connection, "innodb_lock_wait_timeout", _LOCK_TIMEOUT)


def _settled(recorder: DjangoApplicationRecorder) -> DjangoApplicationRecorder:
    """Return a recorder that reads all that is visible: nothing can come before it any more."""
    other = copy.copy(recorder)
    other.watermark = None
    return other
