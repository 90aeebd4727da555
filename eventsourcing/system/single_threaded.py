"""The single-threaded runner: events are processed before ``save()`` returns."""

from collections import deque
from threading import RLock

from eventsourcing.environment import EnvType
from eventsourcing.system.recording_event import RecordingEvent
from eventsourcing.system.runner import Runner
from eventsourcing.system.system import System

__all__ = ["NewSingleThreadedRunner", "SingleThreadedRunner"]


class SingleThreadedRunner(Runner):
    """
    Processes events in the thread that saves them.

    An error of a policy comes out of ``save()``, although the upstream event is recorded; the
    other followers have been prompted by then. The event is tried again at the next save.
    """

    def __init__(self, system: System, env: EnvType | None = None) -> None:
        super().__init__(system, env)
        self._prompts: deque[str] = deque()
        self._lock = RLock()
        self._is_processing = False

    def start(self) -> None:
        super().start()
        self._prompts.extend(self.system.leaders)
        self._process_prompts()

    def stop(self) -> None:
        self._leave()
        with self._lock:
            self._prompts.clear()

    def receive_recording_event(self, new_recording_event: RecordingEvent) -> None:
        self._prompts.append(new_recording_event.application_name)
        self._process_prompts()

    def _process_prompts(self) -> None:
        with self._lock:
            # A policy's own events prompt while they are recorded: the loop below, which is
            # running then, sees to them.
            if self._is_processing:
                return
            self._is_processing = True
            errors: list[Exception] = []
            try:
                while self._prompts:
                    self._prompt_followers(self._prompts.popleft(), errors)
            finally:
                self._is_processing = False
        if errors:
            raise errors[0]

    def _prompt_followers(self, leader_name: str, errors: list[Exception]) -> None:
        for follower_name in self.system.leads[leader_name]:
            try:
                self.followers[follower_name].pull_and_process(leader_name)
            except Exception as error:  # noqa: BLE001 - raised once all followers had their turn
                errors.append(error)


NewSingleThreadedRunner = SingleThreadedRunner
"""Another name of the same runner."""
