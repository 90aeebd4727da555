"""Workers: the thread in which one follower processes the logs of all that it follows."""

import logging
import random
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread

from django.db import close_old_connections

from django_eventsourcing.conf import RunnerOptions
from django_eventsourcing.problems import one_line
from django_eventsourcing.progress import ProgressLog
from django_eventsourcing.runners.catch_up import CatchUp
from django_eventsourcing.runners.outages import OutageBackoff, close_connections, is_outage
from django_eventsourcing.runners.pipe import Pipe
from django_eventsourcing.runners.report import State
from eventsourcing.persistence import AlreadyProcessedError, PersistenceError
from eventsourcing.system import Follower

__all__ = ["FollowerWorker"]

logger = logging.getLogger(__name__)


class FollowerWorker(Thread):
    """
    Processes one follower's upstream logs until it is told to stop, or has caught up.

    It looks when it is woken, and at every poll interval. When the policy fails for good, or the
    database refuses to tell the position, the worker ends in the state ``FAILED``; anything else
    that ends it unasked is ``DIED``.
    """

    def __init__(
        self,
        follower: Follower,
        pipes: Sequence[Pipe],
        *,
        options: RunnerOptions,
        stopping: Event,
        catch_up: CatchUp | None,
        write: Callable[[str], object],
        on_end: Callable[["FollowerWorker"], None],
    ) -> None:
        super().__init__(name=f"{follower.name} follower", daemon=True)
        self.follower = follower
        self.pipes = pipes
        self.state = State.RUNNING
        self.reason = ""
        self._options = options
        self._stopping = stopping
        self._catch_up = catch_up
        self._on_end = on_end
        self._woken = Event()
        self._outage = OutageBackoff()
        self._attempts = {pipe: _Attempts() for pipe in pipes}
        self._progress = ProgressLog(write, follower.name)

    def wake(self) -> None:
        """Look for new notifications now; any number of wakes makes one look."""
        self._woken.set()

    def run(self) -> None:
        try:
            self._work()
        except _FollowerFailedError as error:
            self.state, self.reason = State.FAILED, str(error)
        except BaseException as error:
            self.state, self.reason = State.DIED, _described(error)
            logger.critical("%s has died", self.follower.name, exc_info=True)
        finally:
            self._end()

    def _work(self) -> None:
        while not self._stopping.is_set():
            # Cleared before the look, so that what is recorded during it causes another.
            self._woken.clear()
            mark = self._catch_up.begin(self.follower.name) if self._catch_up else None
            # Each pipe has its turn, before one that has more has another.
            looks = [self._look(pipe) for pipe in self.pipes]
            if any(looks):
                continue
            self.state = State.CAUGHT_UP
            if self._catch_up and self._catch_up.may_end(self.follower.name, mark):
                return
            self._woken.wait(self._options.poll_interval)
        if self.state is not State.CAUGHT_UP or self._catch_up:
            self.state = State.STOPPED

    def _look(self, pipe: Pipe) -> bool:
        """Process a batch; return whether to look again at once."""
        if self.state is State.CAUGHT_UP:
            self.state = State.RUNNING
        close_old_connections()
        try:
            count = pipe.step()
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a policy raises
            self._recover(pipe, error)
            return True
        finally:
            close_old_connections()
        self._note_step(count)
        return count > 0

    def _note_step(self, count: int) -> None:
        if self._outage.is_open:
            logger.info("%s: the database is back", self.follower.name)
            self._outage.end()
        if count and self._catch_up:
            self._catch_up.moved(self.follower.name)
        self.state = State.RUNNING
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
            logger.warning("%s cannot tell its progress: %s", self.follower.name, _described(error))

    def _recover(self, pipe: Pipe, error: Exception) -> None:
        try:
            if is_outage(error):
                self._sit_out(error)
            elif isinstance(error, AlreadyProcessedError) and pipe.has_moved():
                # Another worker has processed these: stand back a little, so that it goes on
                # undisturbed, and only one of the two reads each batch.
                self._stopping.wait(random.uniform(0, self._options.poll_interval))
            elif not pipe.is_single:
                pipe.go_singly()
            else:
                self._retry(pipe, error)
        except Exception as second:
            if is_outage(second):
                self._sit_out(second)
            elif isinstance(second, PersistenceError):
                what = f"failed: {_described(second)}"
                logger.error("%s has %s", self.follower.name, what, exc_info=second)
                raise _FollowerFailedError(what) from error
            else:
                raise

    def _sit_out(self, error: Exception) -> None:
        if not self._outage.is_open:
            logger.warning(
                "%s waits for the database and tries again: %s",
                self.follower.name,
                _described(error),
            )
        self.state = State.WAITING
        close_connections()
        self._stopping.wait(self._outage.next())

    def _retry(self, pipe: Pipe, error: Exception) -> None:
        policy = self._options.on_error
        attempt = self._attempts[pipe].failed_at(pipe.position())
        what = f"{pipe.next_notification()}: {_described(error)}"
        if attempt > policy.retries:
            logger.error(
                "%s has failed at %s; tried %d times",
                self.follower.name,
                what,
                attempt,
                exc_info=error,
            )
            raise _FollowerFailedError(f"failed at {what}") from error
        seconds = policy.backoff[min(attempt, len(policy.backoff)) - 1]
        logger.warning(
            "%s has failed at %s (%s); retry %d of %d in %g s",
            self.follower.name,
            what,
            _place(error),
            attempt,
            policy.retries,
            seconds,
        )
        self.state = State.RETRYING
        self._stopping.wait(seconds)

    def _end(self) -> None:
        try:
            self._tell(self._progress.finish)
            self.follower.factory.release()
            close_connections()
        finally:
            self._on_end(self)


class _FollowerFailedError(Exception):
    """A notification has failed as often as the settings allow, or cannot be come to at all."""


class _Attempts:
    """Counts the failures at one position; they start anew when the position has moved."""

    def __init__(self) -> None:
        self._position: int | None = None
        self._count = 0

    def failed_at(self, position: int | None) -> int:
        """Return how many failures there have been at the position, with this one."""
        if position != self._position:
            self._position, self._count = position, 0
        self._count += 1
        return self._count


def _place(error: BaseException) -> str:
    """Return file and line where the error was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def _described(error: BaseException) -> str:
    text = one_line(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
