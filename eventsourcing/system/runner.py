"""The contract of runners: the applications of a system, made, joined and kept going."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Self, TypeVar, cast

from eventsourcing.application import Application
from eventsourcing.environment import EnvType
from eventsourcing.system.errors import RunnerAlreadyStartedError
from eventsourcing.system.follower import Follower
from eventsourcing.system.leader import Leader
from eventsourcing.system.recording_event import RecordingEventReceiver
from eventsourcing.system.system import System

__all__ = ["Runner", "connect"]

TApplication = TypeVar("TApplication", bound=Application)


def connect(system: System, apps: Mapping[str, Application]) -> None:
    """Let each follower of the system read the notification logs of those it follows."""
    for leader_name, follower_name in system.edges:
        leader, follower = apps[leader_name], apps[follower_name]
        if isinstance(follower, Follower):
            follower.follow(leader_name, leader.notification_log, leader.mapper)


class Runner(RecordingEventReceiver):
    """
    Runs a system in this process.

    The applications exist from the start, so that ``get()`` works; events are processed between
    ``start()`` and ``stop()``. What was recorded meanwhile is caught up on at the next start.
    """

    def __init__(self, system: System, env: EnvType | None = None) -> None:
        self.system = system
        self.env = env
        self.apps: dict[str, Application] = {
            name: system.runnable_cls(name)(env) for name in system.nodes
        }
        self.followers = {n: app for n, app in self.apps.items() if isinstance(app, Follower)}
        self.is_started = False
        connect(system, self.apps)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.stop()

    def get(self, cls: type[TApplication]) -> TApplication:
        """Return the system's application of that class; ``KeyError`` if there is none."""
        return cast(TApplication, self.apps[cls.name])

    def start(self) -> None:
        """Catch up, then process new events; raise ``RunnerAlreadyStartedError`` if running."""
        if self.is_started:
            raise RunnerAlreadyStartedError(
                f"This {type(self).__name__} is running already. Stop it before starting it again."
            )
        self.is_started = True
        for leader in self._leaders():
            leader.lead(self)

    @abstractmethod
    def stop(self) -> None:
        """Process no more events; what is being processed is finished."""

    def _leave(self) -> None:
        self.is_started = False
        for leader in self._leaders():
            leader.unlead(self)

    def _leaders(self) -> list[Leader]:
        return [app for app in self.apps.values() if isinstance(app, Leader)]
