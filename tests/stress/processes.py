"""Processes under supervision: one that ends unasked is started again, as a service manager does."""

import contextlib
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.stress.databases import ROOT


@dataclass(frozen=True, kw_only=True)
class Ending:
    """An end of a process that nobody has asked for by ``stop()``."""

    pid: int
    at: float
    code: int


class Supervised:
    """A command that is kept running."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        log: Path,
        *,
        restarts: bool = True,
    ) -> None:
        self.name = name
        self.endings: list[Ending] = []
        self.starts: list[tuple[int, float]] = []
        """Process ids, and when they were started."""
        self._command = command
        self._environment = environment
        self._log = log
        self._restarts = restarts
        self._is_stopping = False
        self._lock = threading.Lock()
        self._popen = self._started()
        self._watch = threading.Thread(target=self._keep, daemon=True)
        self._watch.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def output(self) -> str:
        """What all its processes have written."""
        return self._log.read_text(errors="replace")

    def is_running(self) -> bool:
        return self._popen.poll() is None

    def send(self, number: signal.Signals) -> int:
        """Send a signal; return the id of the process that gets it."""
        with self._lock:
            self._popen.send_signal(number)
            return self._popen.pid

    def kill(self) -> int:
        """Kill the process; it will be started again."""
        return self.send(signal.SIGKILL)

    def stop(self, timeout: float = 60) -> int:
        """Ask the process to end, for good; return its exit code."""
        self._is_stopping = True
        with self._lock:
            self._popen.send_signal(signal.SIGTERM)
        return self.join(timeout)

    def join(self, timeout: float = 600) -> int:
        """Wait for the process to end by itself, for good; return its exit code."""
        self._is_stopping = True
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{self.name} has not ended:\n{self.output[-3000:]}") from error

    def close(self) -> None:
        """Kill it, for good."""
        self._is_stopping = True
        with self._lock, contextlib.suppress(ProcessLookupError):
            self._popen.kill()
        self._popen.wait(30)
        self._watch.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def _started(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            popen = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.starts.append((popen.pid, time.time()))
        return popen

    def _keep(self) -> None:
        while not self._is_stopping:
            try:
                code = self._popen.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            with self._lock:
                if self._is_stopping:
                    return
                self.endings.append(Ending(pid=self._popen.pid, at=time.time(), code=code))
                if not self._restarts:
                    return
                self._popen = self._started()
