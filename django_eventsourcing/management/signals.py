"""Stop signals: what ends a command that only shows, and what lets one finish that works."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

__all__ = ["StopSignals", "ended_by_signals"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM, as Ctrl-C, end what is within, without a word; what comes after is done."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if is_main else None
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        if is_main:
            # None stands for one that does not come from Python, and cannot be put back.
            signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


class StopSignals:
    """
    Takes note of SIGTERM and SIGINT while a command works.

    The second one exits with code 1 without further ado: databases roll back what is open. Other
    threads than the main one receive no signals, and none are taken note of there.
    """

    def __init__(self, on_abort: Callable[[], object] = lambda: None) -> None:
        self.received = ""
        """The name of the first signal, or an empty text."""
        self._on_abort = on_abort
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *args: object) -> None:
        for number, handler in self._previous.items():
            # None stands for one that does not come from Python, and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        # Only what is safe in the middle of anything: no locks, no buffered output.
        if self.received:
            self._on_abort()
            os.write(2, b"Aborted: what was in hand is rolled back.\n")
            os._exit(1)
        self.received = signal.Signals(number).name
