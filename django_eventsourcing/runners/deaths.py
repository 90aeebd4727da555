"""Deaths: how soon a thread or process that has died is started again, and when no more."""

import time
from collections import deque
from collections.abc import Callable

__all__ = ["Deaths"]


class Deaths:
    """Counts deaths: each of a series is answered later than the one before, up to a limit."""

    def __init__(
        self,
        backoff: tuple[float, ...] = (1, 2, 5, 10, 30),
        most: int = 5,
        within: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backoff = backoff
        self._most = most
        self._within = within
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=most)

    @property
    def are_too_many(self) -> bool:
        """Whether there have been as many within the time as nobody gets over."""
        return len(self._recent) == self._most and self._clock() - self._recent[0] < self._within

    def died(self) -> float:
        """Count one more; return how many seconds to wait before the next start."""
        now = self._clock()
        while self._recent and now - self._recent[0] >= self._within:
            self._recent.popleft()
        self._recent.append(now)
        return self._backoff[min(len(self._recent), len(self._backoff)) - 1]
