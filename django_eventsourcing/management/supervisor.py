"""The supervisor: a process that keeps others running, which do the work."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from django.utils import autoreload

from django_eventsourcing.management.reloading import CodeFiles
from django_eventsourcing.management.signals import StopSignals
from django_eventsourcing.runners.deaths import Deaths

__all__ = ["RELOAD", "Supervisor", "program", "summed"]

RELOAD = 3
"""The code by which Django's autoreloader asks to be started again."""
_SEVERITY = (1, 2, 5, 3, 0)
_LOOK = 0.05


class Supervisor:
    """
    Starts processes, and starts each again that ends unasked, until it is told to stop.

    Those whose code is one of ``final`` are not started again; nor is any, with ``once``. A process
    that dies again and again ends all.
    """

    def __init__(
        self,
        commands: Sequence[Sequence[str]],
        *,
        once: bool = False,
        final: Iterable[int] = (),
        is_reloading: bool = False,
        write: Callable[[str], object] = lambda _: None,
        deaths_class: type[Deaths] = Deaths,
    ) -> None:
        self._children = [_Child(command, deaths_class()) for command in commands]
        self._once = once
        self._final = frozenset(final)
        self._is_reloading = is_reloading
        self._write = write
        self._is_stopping = False

    def run(self, signals: StopSignals) -> int:
        """Return the code that sums up those of the processes, when all have ended."""
        for child in self._children:
            child.start(self._env)
        while not all(child.is_over for child in self._children):
            if signals.received and not self._is_stopping:
                self.stop(signal.Signals[signals.received])
            for child in self._children:
                self._attend(child)
            time.sleep(_LOOK)
        return summed(child.code for child in self._children)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask all processes to stop; does not wait."""
        self._is_stopping = True
        for child in self._children:
            child.send(number)

    def abort(self) -> None:
        """End all processes at once."""
        for child in self._children:
            child.send(signal.SIGKILL)

    @property
    def _env(self) -> Mapping[str, str]:
        return {autoreload.DJANGO_AUTORELOAD_ENV: "true"} if self._is_reloading else {}

    def _attend(self, child: "_Child") -> None:
        if child.is_over:
            return
        if child.restart_at is not None:
            if self._is_stopping:
                child.is_over = True
            elif time.monotonic() >= child.restart_at or child.is_mended:
                child.start(self._env)
        elif (code := child.poll()) is not None:
            self._note_end(child, code)

    def _note_end(self, child: "_Child", code: int) -> None:
        if self._is_stopping:
            # One that was about to begin anew has stopped, too.
            child.code = 0 if self._is_reloading and code == RELOAD else code
            child.is_over = True
        elif self._is_reloading and code == RELOAD:
            child.restart_at = time.monotonic()
        elif self._once or code in self._final:
            child.is_over = True
        else:
            self._note_death(child, code)

    def _note_death(self, child: "_Child", code: int) -> None:
        seconds = child.deaths.died()
        how = f"been ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        # While code is changed, it may be wrong for any time.
        if child.deaths.are_too_many and not self._is_reloading:
            self._write(f"Process {child.pid} has {how}, again and again: all are stopped.")
            child.code = code or 1
            child.is_over = True
            self.stop()
            return
        # Code that fails before the process can watch it is watched from here.
        child.code_files = CodeFiles() if self._is_reloading else None
        child.restart_at = time.monotonic() + seconds
        sooner = ", or when code changes" if self._is_reloading else ""
        self._write(f"Process {child.pid} has {how}; it is started again in {seconds:g} s{sooner}.")


class _Child:
    """One of the processes."""

    def __init__(self, command: Sequence[str], deaths: Deaths) -> None:
        self.deaths = deaths
        self.code = 0
        self.is_over = False
        self.restart_at: float | None = None
        self.code_files: CodeFiles | None = None
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_mended(self) -> bool:
        """Whether code has changed since it has ended."""
        return self.code_files is not None and self.code_files.have_changed()

    def start(self, env: Mapping[str, str]) -> None:
        self.restart_at = None
        # A session of its own: Ctrl-C reaches it through the supervisor alone, once.
        self._process = subprocess.Popen(  # noqa: S603 - this program's own command
            self._command, env={**os.environ, **env}, start_new_session=True
        )

    def poll(self) -> int | None:
        code = self._process.poll() if self._process else None
        if code is not None:
            self.code = code
        return code

    def send(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)


def program(*, is_own: bool) -> list[str]:
    """Return the command line that runs ``manage.py``: this process's own, where it is one."""
    if not is_own:
        return [sys.executable, "-m", "django"]
    arguments: list[str] = autoreload.get_child_arguments()
    return arguments[: len(arguments) - len(sys.argv[1:])]


def summed(codes: Iterable[int]) -> int:
    """Return the code that tells the worst of all; that of a signal is a failure."""
    found = {code if code in _SEVERITY else 1 for code in codes}
    return next((code for code in _SEVERITY if code in found), 0)
