"""Waiting until followers have processed something: bounded, in threads and in event loops."""

import asyncio
from collections import deque
from collections.abc import Iterable
from time import monotonic

from asgiref.sync import sync_to_async

from django_eventsourcing.reading_own_writes.pipes import Awaited, Pipe, pipes_for
from eventsourcing.application import Application

__all__ = ["Waiting", "await_for", "checked_timeout", "wait_for"]

_SHORTEST_PAUSE = 0.005
_LONGEST_PAUSE = 0.05
_GROWTH = 1.25


def wait_for(
    follower: type[Application] | str, notification_id: Awaited, timeout: float = 1.0
) -> bool:
    """
    Wait until the follower has processed a notification; return whether it has within the time-out.

    The notification is that of the only application which it follows; of several, each is given
    with its class or its name: ``{DogSchool: 17, "Kennel": 3}``. What ``save()`` has returned will
    do as well; with ``None``, or nothing, there is nothing to wait for. Of what
    ``remember_writes()`` has remembered, all is waited for that leads to the follower, also by way
    of others.

    In this process, a commit of the follower ends the wait at once; those of other processes are
    found by looking, after 5 ms first and then less often, every 50 ms at the least. The time-out,
    in seconds, does not end a look at a database that does not answer.

    Raise ``NotCommittedError`` in a transaction that has itself recorded events of the upstream:
    others see them after the commit alone. In a transaction that sees nothing of what others
    commit, at REPEATABLE READ and above, and in any on SQLite, there is one look and no wait.
    """
    waiting = Waiting(pipes_for(follower, notification_id), timeout)
    waiting.run()
    return waiting.is_done


async def await_for(
    follower: type[Application] | str, notification_id: Awaited, timeout: float = 1.0
) -> bool:
    """
    Wait like ``wait_for()``, without blocking the event loop.

    Each look is a short call in the thread where asynchronous code has its database connections.
    """
    pipes = await sync_to_async(pipes_for)(follower, notification_id)
    waiting = Waiting(pipes, timeout)
    await waiting.arun()
    return waiting.is_done


def checked_timeout(timeout: float) -> float:
    """Return the time-out; raise ``TypeError`` unless it is a number of seconds, from 0."""
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not is_number or not 0 <= timeout < float("inf"):
        raise TypeError(f"timeout is {timeout!r}. Give seconds, from 0.")
    return timeout


class Waiting:
    """A wait for pipes, one after the other, that ends at the time-out."""

    def __init__(self, pipes: Iterable[Pipe], timeout: float) -> None:
        self.is_done = False
        """Whether all that was waited for has been processed."""
        self._left = deque(pipes)
        self._started = monotonic()
        self._deadline = self._started + checked_timeout(timeout)
        self._pause = _SHORTEST_PAUSE

    def run(self) -> None:
        """Wait in this thread."""
        while (seconds := self.look()) is not None:
            self._left[0].pause(seconds)

    async def arun(self) -> None:
        """Wait in an event loop."""
        look = sync_to_async(self.look)
        while (seconds := await look()) is not None:
            await asyncio.sleep(seconds)

    def look(self) -> float | None:
        """Look once; return the seconds until the next look, ``None`` if the wait is over."""
        while self._left and self._left[0].is_done():
            self._left.popleft()
        if not self._left:
            self.is_done = True
            return None
        pipe = self._left[0]
        pipe.require_committed()
        left = self._deadline - monotonic()
        if left <= 0 or self._is_hopeless(pipe):
            return None
        seconds = min(self._pause, left)
        self._pause = min(self._pause * _GROWTH, _LONGEST_PAUSE)
        return seconds

    def _is_hopeless(self, pipe: Pipe) -> bool:
        """Tell whether nothing is to be expected, for subclasses to know more."""
        return pipe.is_in_the_dark
