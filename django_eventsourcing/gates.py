"""Gates: after conflicts, those who compete for the same aggregate go one by one."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import RLock

from django.db import connections

from django_eventsourcing.queueing import HostQueue

__all__ = ["Gate", "find_gate", "gate_of"]

# Seconds.
_SHORTEST_TRY = 0.005
_LONGEST_WAIT = 2.0
_BUSY_SECONDS = 2.0
_LONGEST_TURN = 1.0
# The level rises by one with each conflict, and sinks by this with each call that meets none: with
# any number of competitors, at most about a third of the tries then meet a conflict. Waits that
# know nothing of earlier calls are too short for that at first.
_LEVEL_LOST = 0.4
# Where the longest waits are 128 times as long as a try: more than sixty competitors are rare.
_HIGHEST_LEVEL = 7.0
# From here on there is more than a conflict now and then.
_CROWDED_LEVEL = 2.0
# Gates that are forgotten, if nobody has been at them of late, when there are more.
_MANY_GATES = 1000


class Gate:
    """
    Lets calls that compete go one by one, for a while after a conflict.

    Otherwise, those that have just succeeded begin anew at once, and those that wait before their
    next try meet one of them each time. Threads of this process and other processes of this host
    take turns; for the sake of other hosts, a call then waits before its first try, too, and no
    try is made sooner than the calls before it have shown to go well.
    """

    def __init__(self, name: str) -> None:
        self.level = 0.0
        """How many there seem to be of those who compete, as a power of two."""
        self._duration = _SHORTEST_TRY
        self._queue = HostQueue(f"{name} {_databases()}")
        self._lock = RLock()
        self._turns = 0
        self._busy_until = self._crowded_until = float("-inf")

    def note_conflict(self) -> None:
        """Note that a try has met a conflict."""
        self.level = min(self.level + 1, _HIGHEST_LEVEL)
        self._busy_until = time.monotonic() + _BUSY_SECONDS
        if self.level >= _CROWDED_LEVEL:
            self._note_crowd()

    def note_success(self) -> None:
        """Note that a call has met none."""
        self.level = max(0.0, self.level - _LEVEL_LOST) if self.is_busy else 0.0

    def note_duration(self, seconds: float) -> None:
        """Note how long a try has taken."""
        self._duration = max(_SHORTEST_TRY, seconds)

    def _note_crowd(self) -> None:
        self._crowded_until = time.monotonic() + _BUSY_SECONDS

    @property
    def is_busy(self) -> bool:
        """Whether there has been a conflict, or a queue, of late."""
        return time.monotonic() < max(self._busy_until, self._crowded_until)

    def wait(self, conflicts: int = 0) -> float:
        """Draw the seconds before the next try of a call that has met so many conflicts."""
        # The more conflicts, the more competitors there are, each of which takes about as long as
        # this one. From nothing on: those that wait alike would meet again.
        level = max(self.level, conflicts)
        return random.uniform(0, min(self._duration * 2**level, _LONGEST_WAIT))

    @contextmanager
    def turn(self, conflicts: int = 0) -> Iterator[None]:
        """Wait until nobody else on this host has the turn, but not for ever."""
        if not self.is_busy or not self._lock.acquire(timeout=_LONGEST_TURN):
            yield
            return
        self._turns += 1
        try:
            with self._queued() if self._is_for_the_queue(conflicts) else nullcontext():
                yield
        finally:
            self._turns -= 1
            self._lock.release()

    def _is_for_the_queue(self, conflicts: int) -> bool:
        is_within_a_turn = self._turns > 1
        is_crowded = time.monotonic() < self._crowded_until
        return (is_crowded or conflicts > 0) and not is_within_a_turn

    @contextmanager
    def _queued(self) -> Iterator[None]:
        with self._queue.turn(_LONGEST_TURN) as were_others_there:
            if were_others_there:
                self._note_crowd()
            yield


_gates: dict[str, Gate] = {}

# In a forked child, those threads are gone that may have had a turn.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _gates.clear())


def find_gate(name: str) -> Gate | None:
    """Return the gate of this name if there is one: there is none before the first conflict."""
    return _gates.get(name)


def gate_of(name: str) -> Gate:
    """Return the gate of this name."""
    if len(_gates) > _MANY_GATES:
        for each, gate in list(_gates.items()):
            if not gate.is_busy:
                _gates.pop(each, None)
    return _gates.setdefault(name, Gate(name))


def _databases() -> str:
    """Name the databases of this project: others on the host do not compete with it."""
    parts = ("ENGINE", "HOST", "PORT", "NAME")
    return repr([[str(each.get(part)) for part in parts] for each in connections.settings.values()])
