"""Wake-up: how the followers of a runner learn of what other processes record."""

from collections.abc import Callable, Sequence
from functools import partial

from django_eventsourcing.conf import RunnerOptions
from django_eventsourcing.notifying import can_notify
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.listener import Listener, WakeUpState, can_listen

__all__ = ["WakeUp", "followed_databases"]


class WakeUp:
    """
    Listens on each database that keeps a log which the followers follow, where one can.

    It makes a runner quick. What is not heard is found all the same, at the next poll interval.
    """

    def __init__(
        self, system: ConfiguredSystem, followers: Sequence[str], options: RunnerOptions
    ) -> None:
        self._system = system
        self._options = options
        self._followed = followed_databases(system, followers)
        self.aliases = [a for a in self._followed if options.listen and can_listen(a)]
        """The databases on which it listens."""
        self._listeners: tuple[Listener, ...] = ()
        self._wake: Callable[[str | None], object] = lambda _: None

    @property
    def state(self) -> WakeUpState:
        """The state of all listeners together: lost if one is, listening if any is."""
        states = {listener.state for listener in self._listeners}
        for state in (WakeUpState.LOST, WakeUpState.LISTENING):
            if state in states:
                return state
        return WakeUpState.POLLING

    def start(self, wake: Callable[[str | None], object]) -> None:
        """
        Begin to listen, in threads of its own.

        Of each commit, ``wake`` is told the application's name; ``None`` when commits of any of
        them may have been missed.
        """
        self._wake = wake
        self._listeners = tuple(Listener(a, partial(self._hear, a)) for a in self.aliases)
        for listener in self._listeners:
            listener.start()

    def stop(self) -> None:
        """Ask the listeners to end; does not wait."""
        for listener in self._listeners:
            listener.stop()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the listeners have ended and closed their connections."""
        for listener in self._listeners:
            listener.join(timeout)

    def describe(self) -> str:
        """Return what a start banner says."""
        polling = f"polling every {self._options.poll_interval:g} s"
        if self.aliases:
            return f"LISTEN on {', '.join(self.aliases)}; {polling}"
        if not self._options.listen:
            return f"{polling} (LISTEN: off)"
        if any(map(can_notify, self._followed)):
            return f"{polling} (LISTEN: needs psycopg 3)"
        return polling

    def _hear(self, alias: str, name: str | None) -> None:
        for each, application in self._system.built.items():
            is_meant = each == name or (name is None and self._system.database_of(each) == alias)
            if is_meant:
                application.recorder.announcer.announce()
        self._wake(name)


def followed_databases(system: ConfiguredSystem, followers: Sequence[str]) -> list[str]:
    """Return the aliases of the databases that keep what the followers follow, each once."""
    leaders = (leader for name in followers for leader in system.upstreams_of(name))
    return list(
        dict.fromkeys(system.database_of(name) for name in leaders if system.is_persisted(name))
    )
