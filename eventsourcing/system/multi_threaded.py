"""The multi-threaded runner: each follower processes events in a thread of its own."""

import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread
from time import monotonic
from typing import ClassVar

from eventsourcing.environment import EnvType
from eventsourcing.persistence import MapperDeserialisationError, PersistenceError
from eventsourcing.system.errors import (
    EventProcessingError,
    NotificationConvertingError,
    NotificationPullingError,
)
from eventsourcing.system.follower import Follower
from eventsourcing.system.recording_event import RecordingEvent
from eventsourcing.system.runner import Runner
from eventsourcing.system.system import System

__all__ = ["MultiThreadedRunner", "MultiThreadedRunnerThread", "NewMultiThreadedRunner"]

logger = logging.getLogger(__name__)


class MultiThreadedRunner(Runner):
    """
    Processes events in one thread for each follower, soon after they have been saved.

    A follower whose policy fails stops, and the others go on; ``watch_for_errors()`` and
    ``stop()`` raise the first error. What other processes record is found by looking at the poll
    interval of the upstream's recorder.
    """

    stop_timeout: ClassVar[float] = 30.0
    """Seconds that ``stop()`` waits for the followers to finish what they are processing."""

    def __init__(self, system: System, env: EnvType | None = None) -> None:
        super().__init__(system, env)
        self.has_errored = Event()
        self.threads: dict[str, MultiThreadedRunnerThread] = {}

    def start(self) -> None:
        super().start()
        self.has_errored.clear()
        self.threads = {
            name: MultiThreadedRunnerThread(
                self.followers[name],
                self.system.follows[name],
                self.has_errored.set,
                self._poll_interval(name),
            )
            for name in self.system.followers
        }
        for thread in self.threads.values():
            thread.start()

    def stop(self) -> None:
        """
        Let each follower finish what it is processing, then end its thread.

        Raise ``EventProcessingError`` if one of them has failed, or has not ended in time.
        """
        self._leave()
        for thread in self.threads.values():
            thread.stop()
        deadline = monotonic() + self.stop_timeout
        for thread in self.threads.values():
            thread.join(max(0.0, deadline - monotonic()))
        self.reraise_thread_errors()
        busy = [name for name, thread in self.threads.items() if thread.is_alive()]
        if busy:
            raise EventProcessingError(
                f"Not stopped within {self.stop_timeout:g} s: {', '.join(busy)}. The event in "
                f"hand is still being processed."
            )

    def receive_recording_event(self, new_recording_event: RecordingEvent) -> None:
        for name in self.system.leads[new_recording_event.application_name]:
            self.threads[name].prompt()

    def watch_for_errors(self, timeout: float | None = None) -> bool:
        """
        Wait until a follower fails, then stop and raise its error.

        Return ``False`` if none has failed within the time-out, in seconds.
        """
        if not self.has_errored.wait(timeout):
            return False
        self.stop()
        return True

    def reraise_thread_errors(self) -> None:
        """Raise ``EventProcessingError`` from the first error of a follower, if there is one."""
        for thread in self.threads.values():
            if thread.error is not None:
                raise _error_class(thread.error)(
                    f"{thread.follower.name} has stopped: "
                    f"{type(thread.error).__name__}: {thread.error}"
                ) from thread.error

    def _poll_interval(self, follower_name: str) -> float | None:
        intervals = [
            interval
            for leader_name in self.system.follows[follower_name]
            if (interval := self.apps[leader_name].recorder.poll_interval) is not None
        ]
        return min(intervals, default=None)


class MultiThreadedRunnerThread(Thread):
    """Processes the events of one follower's upstream applications, whenever it is prompted."""

    def __init__(
        self,
        follower: Follower,
        leader_names: Sequence[str],
        on_error: Callable[[], None],
        poll_interval: float | None = None,
    ) -> None:
        super().__init__(name=f"{follower.name} follower", daemon=True)
        self.follower = follower
        self.leader_names = leader_names
        self.error: BaseException | None = None
        self._on_error = on_error
        self._poll_interval = poll_interval
        self._prompted = Event()
        self._stopping = Event()

    def prompt(self) -> None:
        """Look for new events; any number of prompts makes one look."""
        self._prompted.set()

    def stop(self) -> None:
        """End once the notifications in hand have been processed."""
        self._stopping.set()
        self._prompted.set()

    def run(self) -> None:
        try:
            self._catch_up()
            while not self._stopping.is_set():
                self._prompted.wait(self._poll_interval)
                # Cleared before the look, so that a prompt during it causes another.
                self._prompted.clear()
                self._catch_up()
        except BaseException as error:
            logger.exception("%s has stopped", self.follower.name)
            self.error = error
            self._on_error()
        finally:
            self.follower.factory.release()

    def _catch_up(self) -> None:
        for leader_name in self.leader_names:
            self.follower.recorder.renew()
            while not self._stopping.is_set() and self.follower.process_some(leader_name):
                pass


def _error_class(error: BaseException) -> type[EventProcessingError]:
    if isinstance(error, MapperDeserialisationError):
        return NotificationConvertingError
    if isinstance(error, PersistenceError):
        return NotificationPullingError
    return EventProcessingError


NewMultiThreadedRunner = MultiThreadedRunner
"""Another name of the same runner."""
