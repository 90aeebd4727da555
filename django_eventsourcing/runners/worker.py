"""Workers: the thread in which one follower processes the logs of all that it follows."""

import logging
import random
from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from threading import Event, Thread
from typing import ClassVar

from django_eventsourcing.announcements import tell_of
from django_eventsourcing.conf import RunnerOptions
from django_eventsourcing.problems import described
from django_eventsourcing.progress import ProgressLog
from django_eventsourcing.recorders.application import next_look
from django_eventsourcing.recorders.errors import SegmentsNotInForceError, SynchronousFollowerError
from django_eventsourcing.recorders.tracking import DjangoTrackingRecorder, segment_run_by
from django_eventsourcing.renewing import renew_connections
from django_eventsourcing.runners.attempts import Attempts, is_conflict, place_of
from django_eventsourcing.runners.catch_up import CatchUp
from django_eventsourcing.runners.deaths import Deaths
from django_eventsourcing.runners.failures import Failure
from django_eventsourcing.runners.holds import Hold, NotHeldError
from django_eventsourcing.runners.outages import (
    Incident,
    Outage,
    close_connections,
    find_alias,
    is_outage,
)
from django_eventsourcing.runners.pipe import Pipe
from django_eventsourcing.runners.report import State
from django_eventsourcing.signals import follower_failed
from eventsourcing.persistence import AlreadyProcessedError, PersistenceError, RecordConflictError
from eventsourcing.system import Follower

__all__ = ["FollowerWorker"]

logger = logging.getLogger(__name__)

# Seconds between two tries to reach the database, at most: it is noticed soon when it is back.
_LONGEST_OUTAGE_WAIT = 5.0
# Segments of a follower may change the same aggregate of its own: the slower one tries again so
# many times, before that counts as a failure.
_MOST_CONFLICTS = 20
# Seconds before the second try of who does not wait for long.
_SOON = 1.0
# Seconds that it leaves to the faster one, at most: at first, and after many conflicts.
_FIRST_YIELD, _LONGEST_YIELD = 0.02, 2.0
# Seconds left to a keeper that is late: on SQLite, whoever waits for the one lock looks every 0.1
# seconds whether it is free, and a thread with batch after batch would take it again before.
_BREATH = 0.15


class FollowerWorker(Thread):
    """
    Processes one follower's upstream logs until it is told to stop, or has caught up.

    It looks when it is woken, and at every poll interval, as long as it holds the follower. When
    the policy fails for good, or the database refuses to tell the position, the worker rests in
    the state ``FAILED`` until another try is asked for. Whatever else ends its work unasked is
    ``DIED``: it begins anew after a while, but not for ever. With ``catch_up``, both end it.
    """

    is_patient: ClassVar[bool] = True
    """
    Whether a notification that fails twice in the same way is tried again as ``ON_ERROR`` says.

    Where somebody waits for the end, the second time is the last.
    """

    def __init__(
        self,
        follower: Follower,
        pipes: Sequence[Pipe],
        *,
        options: RunnerOptions,
        stopping: Event,
        hold: Hold,
        catch_up: CatchUp | None,
        write: Callable[[str], object],
        on_end: Callable[["FollowerWorker"], None],
        turns: AbstractContextManager[object] | None = None,
        deaths: Deaths | None = None,
        database: str,
        incidents: Mapping[str, Incident],
    ) -> None:
        self.segment = segment_run_by(follower)
        """The part of the follower that it processes; all of it, often."""
        self.run_name = self.segment.name
        """What the follower, or its segment, goes by."""
        super().__init__(name=f"{self.run_name} follower", daemon=True)
        self.follower = follower
        self.pipes = pipes
        self.state = State.RUNNING
        self.reason = ""
        self.hold = hold
        """Whether it may process, which is for others to say."""
        self.hold.on_change = self.wake
        self._turns: AbstractContextManager[object] = turns or nullcontext()
        self._deaths = deaths or Deaths()
        self._database = database
        self._failures: dict[Pipe | None, Failure] = {}
        self._is_over = False
        self._conflicts = 0
        self._options = options
        self._stopping = stopping
        self._catch_up = catch_up
        self._on_end = on_end
        self._woken = Event()
        # The log of one may be in a database that is away, and that of another in one that is not.
        self._outages = {pipe: Outage(incidents, _LONGEST_OUTAGE_WAIT) for pipe in pipes}
        self._waits: dict[Pipe, Failure] = {}
        """Why the pipes wait that do."""
        self._attempts = {pipe: Attempts() for pipe in pipes}
        self._progress = ProgressLog(write, follower.name)

    def wake(self) -> None:
        """Look for new notifications now; any number of wakes makes one look."""
        self._woken.set()

    def call(self) -> None:
        """Let it notice that it is to stop, whatever it waits for."""
        self.hold.changed.set()
        self._woken.set()

    @property
    def failure(self) -> Failure | None:
        """What has failed and not been processed since, or what is waited for."""
        failures, waits = list(self._failures.values()), list(self._waits.values())
        found = waits + failures if self.state is State.WAITING else failures + waits
        return found[0] if found else None

    @property
    def has_succeeded(self) -> bool:
        """Whether it has processed something, or found nothing left, and nothing fails."""
        is_well = self.state is State.CAUGHT_UP or any(pipe.processed for pipe in self.pipes)
        return is_well and not self._failures and not self._waits

    def run(self) -> None:
        try:
            while self._live():
                pass
        finally:
            self._end()

    def _live(self) -> bool:
        """Work until something ends it; return whether to begin anew."""
        try:
            self._work()
        except _FollowerFailedError as error:
            self.state, self.reason = State.FAILED, str(error)
            return self._rest_until_retry()
        except SegmentsNotInForceError as error:
            if isinstance(error, SynchronousFollowerError) and self._is_set_synchronous:
                self.state, self.reason = State.SYNCHRONOUS, ""
                logger.info("%s is synchronous", self.run_name)
                return self._rest_until_in_force()
            # First, so that whoever sees the state knows why.
            self._failures[None] = Failure.of(error)
            self.state, self.reason = State.REFUSED, str(error)
            logger.error("%s is refused: %s", self.run_name, error)
            return self._rest_until_in_force()
        except BaseException as error:
            self._failures[None] = Failure.of(error)
            self.state, self.reason = State.DIED, described(error)
            logger.critical("%s has died", self.run_name, exc_info=True)
            return self._rise()
        if self._is_over:
            return False
        self.state, self.reason = State.DIED, "its work has ended unasked"
        logger.critical("%s has died: its work has ended unasked", self.run_name)
        return self._rise()

    def _rest_until_retry(self) -> bool:
        if self._catch_up:
            return False
        while self.hold.is_held and not self.hold.take_retry():
            if self._stopping.is_set():
                return False
            self.hold.changed.clear()
            self.hold.changed.wait(1.0)
        logger.info("%s begins anew", self.run_name)
        self._attempts = {pipe: Attempts() for pipe in self.pipes}
        self.state, self.reason = State.RUNNING, ""
        return True

    def _rest_until_in_force(self) -> bool:
        if self._catch_up:
            return False
        for pipe in self.pipes:
            pipe.forget()
        while not self._are_segments_in_force():
            if self._stopping.is_set():
                return False
            self.hold.changed.clear()
            self.hold.changed.wait(1.0)
        logger.info("%s begins: its positions are in force", self.run_name)
        self._failures.pop(None, None)
        self.state, self.reason = State.RUNNING, ""
        return True

    @property
    def _is_set_synchronous(self) -> bool:
        recorder = self.follower.recorder
        return isinstance(recorder, DjangoTrackingRecorder) and recorder.is_set_synchronous

    def _are_segments_in_force(self) -> bool:
        try:
            for pipe in self.pipes:
                pipe.require_in_force()
                if pipe.is_being_swapped():
                    return False
        except PersistenceError as error:
            if is_outage(error):
                close_connections()
            return False
        finally:
            renew_connections()
        return True

    def _rise(self) -> bool:
        seconds = self._deaths.died()
        if self._catch_up or self._deaths.are_too_many:
            return False
        close_connections()
        if self._stopping.wait(seconds):
            return False
        logger.warning("%s is started again", self.run_name)
        self._failures.pop(None, None)
        self.state, self.reason = State.RUNNING, ""
        return True

    def _work(self) -> None:
        self._is_over = False
        while True:
            # Cleared before the look, so that what is recorded during it causes another.
            self._woken.clear()
            self.hold.changed.clear()
            if self._stopping.is_set():
                break
            mark = self._catch_up.begin(self.run_name) if self._catch_up else None
            if not self.hold.may_process:
                if self._stand_by(mark):
                    self._is_over = True
                    return
                continue
            # Each pipe has its turn, before one that has more has another.
            due = [pipe for pipe in self.pipes if not self._outages[pipe].remaining]
            looks = [self._look(pipe) for pipe in due]
            if any(looks):
                continue
            if not self._is_waiting:
                self.state = State.CAUGHT_UP
                if self._catch_up and self._catch_up.may_end(self.run_name, mark):
                    self._is_over = True
                    return
            self._woken.wait(self._next_look(due))
        if self._catch_up or self.state not in _STATES_AT_REST:
            self.state = State.STOPPED
        self._is_over = True

    def _next_look(self, idle: Sequence[Pipe]) -> float:
        """Return in how many seconds the first of the pipes is due, of which some are idle."""
        longest = self._options.poll_interval
        looks = [next_look(pipe.leader.recorder, longest) for pipe in idle]
        tries = [self._outages[pipe].remaining for pipe in self.pipes if pipe not in idle]
        return min([*looks, *tries])

    @property
    def _is_waiting(self) -> bool:
        """Whether a database that it needs has not been seen to be back."""
        return any(outage.is_open for outage in self._outages.values())

    def _stand_by(self, mark: int | None) -> bool:
        """Let others process; return whether a run that is to catch up may end."""
        for pipe in self.pipes:
            pipe.forget()
        self.state = State.PAUSED if self.hold.is_paused else State.STAND_BY
        if self._catch_up and self._may_end_beside(self._catch_up, mark):
            return True
        self._woken.wait(self._options.poll_interval)
        return False

    def _may_end_beside(self, catch_up: CatchUp, mark: int | None) -> bool:
        if not self._is_anything_left():
            if catch_up.may_end(self.run_name, mark):
                self.state = State.CAUGHT_UP
                return True
            return False
        if self.hold.is_paused:
            # Perhaps only since the last look.
            self.state = State.PAUSED
            return True
        if self.hold.failed_elsewhere:
            raise _FollowerFailedError(self.hold.failed_elsewhere)
        # Whoever processes it may record events for others in a circle.
        catch_up.moved(self.run_name)
        return False

    def _is_anything_left(self) -> bool:
        try:
            found = [self._has_next(pipe) for pipe in self.pipes]
            return any(found)
        finally:
            renew_connections()

    def _has_next(self, pipe: Pipe) -> bool:
        """Tell whether anything is left in the log, as there may be if it cannot be read."""
        try:
            pipe.require_in_force()
            has_next = pipe.has_next()
        except SegmentsNotInForceError:
            raise
        except PersistenceError as error:
            if not is_outage(error):
                raise _FollowerFailedError(f"failed: {described(error)}") from error
            self._sit_out(pipe, error)
            self._rest(self._outages[pipe].remaining)
            return True
        self._note_back(pipe)
        return has_next

    def _look(self, pipe: Pipe) -> bool:
        """Process a batch; return whether to look again at once."""
        if self.state is State.CAUGHT_UP:
            self.state = State.RUNNING
        renew_connections()
        if self.hold.is_overdue:
            self._stopping.wait(_BREATH)
        try:
            with self._turns, self.hold.processing():
                count = pipe.step()
        except NotHeldError:
            return True
        except MemoryError:
            raise
        except (Exception, CancelledError) as error:  # noqa: BLE001 - whatever a policy raises
            self._recover(pipe, error)
            return True
        finally:
            renew_connections()
        self._failures.pop(pipe, None)
        self._conflicts = 0
        if not count or self._outages[pipe].is_over_at(pipe.last_in_hand):
            self._note_back(pipe)
        self._note_step(count)
        return count > 0

    def _note_back(self, pipe: Pipe) -> None:
        if self._outages[pipe].is_open:
            logger.info("%s: the database is back", self.run_name)
            self._outages[pipe].end()
            self._waits.pop(pipe, None)

    def _note_step(self, count: int) -> None:
        if count and self._catch_up:
            self._catch_up.moved(self.run_name)
        self.state = State.WAITING if self._is_waiting else State.RUNNING
        self._tell(
            lambda: self._progress.advance(
                count, left=lambda: sum(pipe.behind() for pipe in self.pipes)
            )
        )

    def _tell(self, write_progress: Callable[[], None]) -> None:
        # What was processed is committed, whether it can be told or not.
        try:
            write_progress()
        except Exception as error:  # noqa: BLE001 - whatever a stream or a database raises
            logger.warning("%s cannot tell its progress: %s", self.run_name, described(error))

    def _recover(self, pipe: Pipe, error: BaseException) -> None:
        if isinstance(error, SegmentsNotInForceError):
            raise error
        try:
            if is_outage(error):
                self._sit_out(pipe, error)
                return
            self._note_back(pipe)
            if isinstance(error, AlreadyProcessedError) and pipe.has_moved():
                # Another worker has processed these: stand back a little, so that it goes on
                # undisturbed, and only one of the two reads each batch.
                self._stopping.wait(random.uniform(0, self._options.poll_interval))
            elif self._is_conflict_of_segments(error):
                self._yield_to_others(pipe)
            elif not pipe.is_single:
                pipe.go_singly()
            else:
                self._retry(pipe, error)
        except Exception as second:
            if is_outage(second):
                self._sit_out(pipe, second)
            elif isinstance(second, SegmentsNotInForceError):
                raise
            elif isinstance(second, PersistenceError):
                what = f"failed: {described(second)}"
                self._failures[pipe] = Failure.of(second, upstream_name=pipe.leader.name)
                logger.error("%s has %s", self.run_name, what, exc_info=second)
                raise _FollowerFailedError(what) from error
            else:
                raise

    def _is_conflict_of_segments(self, error: BaseException) -> bool:
        """Tell whether another segment has been faster with an aggregate of the follower's."""
        is_expected = self.segment.count > 1 and self._conflicts < _MOST_CONFLICTS
        return is_expected and isinstance(error, RecordConflictError)

    def _yield_to_others(self, pipe: Pipe) -> None:
        self._conflicts += 1
        if self._conflicts > 1 and not pipe.is_single:
            # The less there is in hand, the less others come in between.
            pipe.go_singly()
        longest = min(_FIRST_YIELD * 1.5 ** (self._conflicts - 1), _LONGEST_YIELD)
        self._stopping.wait(random.uniform(0, longest))

    def _sit_out(self, pipe: Pipe, error: BaseException) -> None:
        """Leave the pipe alone for a while; the others go on."""
        alias = find_alias() or self._database
        told = described(error)
        if not isinstance(error, PersistenceError):
            # What a policy itself uses is not named by its error, as recorders name theirs.
            told = f"Database {alias!r}: {told}"
        level = self._outages[pipe].note(alias, pipe.last_in_hand)
        if level is not None:
            failure = Failure.of(error, upstream_name=pipe.leader.name)
            self._waits[pipe] = replace(failure, error=told)
            logger.log(level, "%s waits for the database and tries again: %s", self.run_name, told)
        self.state = State.WAITING
        close_connections()

    def _retry(self, pipe: Pipe, error: BaseException) -> None:
        policy = self._options.on_error
        self._conflicts = 0
        attempts = self._attempts[pipe]
        attempt = attempts.failed_at(pipe.position(), error)
        notification = pipe.next_notification()
        self._failures[pipe] = Failure.of(
            error,
            upstream_name=pipe.leader.name,
            notification_id=notification.id if notification else None,
            attempts=attempt,
        )
        is_hopeless = attempts.are_alike and not self.is_patient and not is_conflict(error)
        is_last = attempt > policy.retries or is_hopeless
        seconds = policy.backoff[min(attempt, len(policy.backoff)) - 1]
        if attempt == 1 and not self.is_patient:
            seconds = min(seconds, _SOON)
        tell_of(
            self.run_name,
            follower_failed,
            upstream=pipe.leader.name,
            notification_id=self._failures[pipe].notification_id,
            error=error,
            attempt=attempt,
            retry_in=None if is_last else seconds,
        )
        what = f"{pipe.describe(notification)}: {described(error)}"
        if is_last and self._set_aside(pipe, error, attempt, what):
            return
        if is_last:
            logger.error(
                "%s has failed at %s; tried %s",
                self.run_name,
                what,
                _times(attempt),
                exc_info=error,
            )
            raise _FollowerFailedError(f"failed at {what}") from error
        logger.warning(
            "%s has failed at %s (%s); retry %d of %d in %g s",
            self.run_name,
            what,
            place_of(error),
            attempt,
            policy.retries,
            seconds,
        )
        self.state = State.RETRYING
        self._rest(seconds)
        self.hold.take_retry()

    def _set_aside(self, pipe: Pipe, error: BaseException, attempts: int, what: str) -> bool:
        """Park or skip what has failed, where that is the policy; return whether to go on."""
        try:
            status = pipe.parking.settle(error, attempts)
        except AlreadyProcessedError:
            # Another worker has processed it.
            return True
        if status is not None:
            self._failures.pop(pipe, None)
            logger.error("%s has %s %s; tried %s", self.run_name, status, what, _times(attempts))
            if self._catch_up:
                self._catch_up.moved(self.run_name)
        if pipe.parking.is_open:
            # As it is told in the database, too, where the keeper of the lease looks.
            self.hold.pause(is_paused=True)
            return True
        return status is not None

    def _rest(self, seconds: float) -> None:
        """Wait, but not if there is to be a stop, or something has changed."""
        if not self._stopping.is_set():
            self.hold.changed.wait(seconds)

    def _end(self) -> None:
        try:
            for outage in self._outages.values():
                outage.end()
            self._tell(self._progress.finish)
            self.follower.factory.release()
            close_connections()
        finally:
            self._on_end(self)


_STATES_AT_REST = (State.CAUGHT_UP, State.STAND_BY, State.PAUSED)


class _FollowerFailedError(Exception):
    """A notification has failed as often as the settings allow, or cannot be come to at all."""


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
