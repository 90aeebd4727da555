"""Run the example's web server and its system side by side, until Ctrl-C or one of them ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

MANAGE = [sys.executable, str(Path(__file__).resolve().parent.parent / "manage.py")]
GRACE = 35.0  # seconds; run_system takes up to 30 to finish what is in hand


def main(address: str) -> int:
    """Start both processes, and return 0, or the exit code of the one that ended by itself."""
    try:
        require_free(address)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    received: list[int] = []
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda number, _frame: received.append(number))
    processes = [start("run_system"), start("runserver", address)]

    while not received and all(process.poll() is None for process in processes):
        time.sleep(0.1)
    ended = [process.returncode for process in processes if process.returncode is not None]
    if not received:
        received.append(signal.SIGTERM)
    stop(processes, received)
    return ended[0] if ended else 0


def require_free(address: str) -> None:
    """Raise ``ValueError`` unless the address can be served."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError(
            f"ADDRESS={address} is not a host and a port.  "
            f"HINT: Write it as in: make run ADDRESS=127.0.0.1:8001"
        )
    try:
        family = socket.getaddrinfo(host, int(port))[0][0]
        socket.create_server((host, int(port)), family=family).close()
    except OSError as error:
        another = f"127.0.0.1:{max(int(port) + 1, 8001)}"
        raise ValueError(
            f"{address} cannot be served: {str(error.strerror).partition(' (')[0]}.  "
            f"HINT: Name another address, as in: make run ADDRESS={another}"
        ) from error


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a command of the example project."""
    # A session of its own: a terminal's Ctrl-C then reaches this process alone, which passes each
    # on once; a signal that came by both ways would make the runner abandon its batch.
    return subprocess.Popen([*MANAGE, *arguments], start_new_session=True)  # noqa: S603


def stop(processes: list[subprocess.Popen[bytes]], received: list[int]) -> None:
    """Pass on each signal, also those still to come; kill what is left after the time of grace."""
    deadline = time.monotonic() + GRACE
    passed_on = 0
    while any(process.poll() is None for process in processes):
        signals = received[passed_on:]
        passed_on += len(signals)
        for signum in [signal.SIGKILL] if time.monotonic() > deadline else signals:
            for process in processes:
                send(process, signum)
        time.sleep(0.1)


def send(process: subprocess.Popen[bytes], signum: int) -> None:
    """Send a signal to a process and its children, such as the one of runserver's reloader."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signum)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000"))
