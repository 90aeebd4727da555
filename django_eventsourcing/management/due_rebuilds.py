"""Due rebuilds: what ``run_system`` has done by another process, as the settings say."""

import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread
from typing import Self

__all__ = ["DueRebuilds"]

# Seconds in which the batch in hand can be finished, mostly.
_LONGEST_GOODBYE = 10.0


class DueRebuilds:
    """
    Rebuilds projections by shadow, in a process beside this one, whose lines are handed on.

    At the end of the ``with`` block the process is asked to stop; what it has done by then stays,
    and the next one goes on.
    """

    def __init__(
        self, program: Sequence[str], followers: Sequence[str], write: Callable[[str], object]
    ) -> None:
        self._command = [*program, "es_rebuild", *followers, "--shadow", "--noinput"]
        self._followers = followers
        self._write = write
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if self._followers:
            # A session of its own: Ctrl-C reaches it through this process alone, once.
            self._process = subprocess.Popen(  # noqa: S603 - this program's own command
                self._command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            Thread(target=self._hand_on, args=[self._process], daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            # One that takes longer goes on to the end of its batch by itself.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LONGEST_GOODBYE)

    def _hand_on(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self._write(f"es_rebuild: {line.rstrip()}")
        code = process.wait()
        if code:
            self._write(f"es_rebuild: ended with {code}; the next start of run_system tries again")
