"""Progress of long work as plain lines: how much, how fast, how much is left, how long yet."""

import time
from collections.abc import Callable

from django_eventsourcing.wording import Figure, Words

__all__ = ["ProgressLog", "format_duration", "format_rate"]


class ProgressLog:
    """
    Write a line on the work done, at most one every ``interval`` seconds.

    A line reads ``Counters +3,100  310/s  9,200 behind  ~30 s``. What is left is known from
    ``total``, or from what ``advance()`` is told; without either it is not mentioned.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        label: str,
        total: int | None = None,
        interval: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        *,
        left_word: str = "behind",
    ) -> None:
        self.done = 0
        self._write = write
        self._label = label
        self._total = total
        self._interval = interval
        self._clock = clock
        self._left_word = left_word
        self._left: int | None = total
        self._unreported = 0
        self._started = self._written = self._window_start = self._window_end = clock()

    def advance(self, n: int = 1, *, left: Callable[[], int] | None = None) -> None:
        """
        Count ``n`` more; ``advance(0)`` says that there is nothing to do just now.

        ``left`` is called when a line is due, so that it may cost something.
        """
        now = self._clock()
        if n == 0 and self._unreported == 0:
            # Idle time does not slow the rate of the work that follows it.
            self._window_start = now
        if n:
            self.done += n
            self._unreported += n
            self._window_end = now
        if self._total is not None:
            self._left = max(0, self._total - self.done)
        if self._unreported and now - self._written >= self._interval:
            if left is not None:
                self._left = left()
            self._report(now)

    def finish(self) -> None:
        """Write a last line on what has not been reported yet."""
        if self._total is None:
            # What was left at the line before is not what is left now.
            self._left = None
        self._report(self._clock())

    @property
    def rate(self) -> float:
        """How many a second, from the first to the last."""
        return _rate(self.done, self._window_end - self._started)

    def _report(self, now: float) -> None:
        if not self._unreported:
            return
        rate = _rate(self._unreported, self._window_end - self._window_start)
        parts = [f"{self._label} +{self._unreported:,}", format_rate(rate)]
        if self._left is not None:
            parts.append(f"{self._left:,} {self._left_word}")
            if self._left and rate:
                parts.append(f"~{format_duration(self._left / rate)}")
        self._unreported = 0
        self._written = self._window_start = now
        self._write("  ".join(parts))


def format_rate(rate: float) -> Words:
    """Return the rate with a digit after the point where it is low: ``310/s``, ``2.5/s``."""
    return Words.gettext("%(number)s/s", number=Figure.of(rate, digits=0 if rate >= 10 else 1))


def format_duration(seconds: float) -> Words:
    """Return the time in the unit that suits it: ``30 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 60:
        return Words.gettext("%(seconds)d s", seconds=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return Words.gettext("%(minutes)d min", minutes=minutes)
    return Words.gettext("%(hours)d h %(minutes)d min", hours=minutes // 60, minutes=minutes % 60)


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
