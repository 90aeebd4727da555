"""The contract of a runner of a configured system."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Self

from django_eventsourcing.conf import RunnerOptions
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.report import PipeReport
from django_eventsourcing.runners.wake_up import WakeUp

__all__ = ["SystemRunner"]


class SystemRunner(ABC):
    """
    Keeps followers of a system processing events, until it is told to stop.

    With ``once``, it ends by itself when they have caught up through whole pipelines.
    """

    def __init__(
        self,
        system: ConfiguredSystem,
        *,
        followers: Sequence[str] | None = None,
        once: bool = False,
        options: RunnerOptions | None = None,
        threads: int | None = None,
        worker_name: str = "",
        write: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.system = system
        given = system.runs if followers is None else followers
        self.followers = list(dict.fromkeys(run for name in given for run in system.runs_of(name)))
        """The names of the followers, or of their segments, that are run."""
        self.once = once
        self.options = system.config.options if options is None else options
        self.threads = threads
        """How many followers process at once; all of them if it is ``None``."""
        self.worker_name = worker_name
        """What operators know this runner by."""
        self.failure = ""
        """Why the run as a whole has failed, if it has."""
        self.write = write
        """Takes lines on the progress, from any thread."""
        self.wake_up = WakeUp(system, self.followers, self.options)
        """Hears of commits of other processes, for the runner to start and to stop."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.stop()
        self.wait()

    @abstractmethod
    def start(self) -> None:
        """Begin to process, in the background; each runner is started once."""

    @abstractmethod
    def stop(self) -> None:
        """Ask the followers to end after the notification in hand; does not wait."""

    @abstractmethod
    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all followers have ended; return whether they have within the time-out."""

    @abstractmethod
    def reports(self, *, look_up: bool = True) -> list[PipeReport]:
        """
        Return how far each follower is in each of its upstream logs.

        Unless it is to look them up, positions are those last seen; no database is asked then.
        """
