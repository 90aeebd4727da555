"""Silence: a database that gives no answer is told of by a thread that does not wait for it."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Silence"]

logger = logging.getLogger(__name__)


class Silence:
    """
    How long somebody has been waiting for an answer of a database.

    No error ends that wait where the network is cut, or a proxy holds everything back, while the
    connection seems to be open. So whoever asks says when it begins, and another thread looks.
    """

    def __init__(
        self, alias: str, *, longest: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._alias = alias
        self._longest = longest
        self._clock = clock
        self._since: float | None = None
        self._is_told = False

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask the database within this; an error is for the caller to tell of."""
        self._is_told = False
        since = self._since = self._clock()
        try:
            yield
        finally:
            self._since = None
        if self._is_told:
            seconds = self._clock() - since
            logger.info("The database %r answers again, after %.0f s", self._alias, seconds)

    def look(self) -> None:
        """Warn, once, if there has been no answer for too long."""
        since = self._since
        if since is None or self._is_told:
            return
        seconds = self._clock() - since
        if seconds >= self._longest:
            self._is_told = True
            logger.warning(
                "The database %r has not answered for %.0f s, and everything waits for it.  "
                "HINT: Look at the server, the network to it, and who holds its locks; time-outs "
                "in OPTIONS end such waits.",
                self._alias,
                seconds,
            )
