"""Holds: whether a follower's thread may process, as far as its worker knows just now."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock

__all__ = ["Hold", "NotHeldError"]


class NotHeldError(Exception):
    """The follower may not be processed here now."""


class Hold:
    """
    One follower's lease as its worker knows it, set by the keeper and asked by the thread.

    It ends by itself when it has not been prolonged in time: a worker that cannot reach the
    database, or was suspended, stops before anyone else begins, without being told.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.changed = Event()
        """Set with every change; cleared by the thread before it looks."""
        self.on_change: Callable[[], None] = lambda: None
        self.failed_elsewhere = ""
        """Why the follower has stopped, where another worker holds it and has said so."""
        self._clock = clock
        self._lock = Lock()
        self._until = float("-inf")
        self._due = float("inf")
        self._is_busy = False
        self._is_given_up = False
        self._is_paused = False
        self._is_retry_wanted = False

    @property
    def is_held(self) -> bool:
        """Whether the follower is this worker's."""
        return self._clock() < self._until and not self._is_given_up

    @property
    def is_overdue(self) -> bool:
        """Whether the keeper has not come to prolong it, and may need to be let through."""
        return self._clock() > self._due

    @property
    def is_paused(self) -> bool:
        """Whether operators want the follower to rest."""
        return self._is_paused

    @property
    def is_busy(self) -> bool:
        """Whether the thread has a batch in hand."""
        return self._is_busy

    @property
    def may_process(self) -> bool:
        """Whether the next notification may be processed."""
        return self.is_held and not self._is_paused

    @contextmanager
    def processing(self) -> Iterator[None]:
        """Process a batch; raise ``NotHeldError`` if none may be begun."""
        with self._lock:
            if not self.may_process:
                raise NotHeldError
            self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False

    def keep(self, until: float = float("inf"), due: float = float("inf")) -> None:
        """Hold the follower up to this moment of the clock; to be prolonged when it is due."""
        was_held = self.is_held
        with self._lock:
            self._until = until
            self._due = due
            self._is_given_up = False
        if not was_held:
            self._notify()

    def lose(self) -> None:
        """Hold the follower no longer: another worker does, or may."""
        with self._lock:
            self._until = float("-inf")
            self._is_given_up = False
        self._notify()

    def give_up(self) -> None:
        """Begin no more batches; what is in hand may be finished."""
        with self._lock:
            self._is_given_up = True
        self._notify()

    def pause(self, *, is_paused: bool) -> None:
        """Rest, or go on."""
        if is_paused != self._is_paused:
            self._is_paused = is_paused
            self._notify()

    def request_retry(self) -> None:
        """Let the thread try again at once what has failed."""
        self._is_retry_wanted = True
        self._notify()

    def take_retry(self) -> bool:
        """Tell whether another try was asked for since this was last called."""
        was_wanted, self._is_retry_wanted = self._is_retry_wanted, False
        return was_wanted

    def _notify(self) -> None:
        self.changed.set()
        self.on_change()
