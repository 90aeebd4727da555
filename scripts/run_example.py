"""Run the example's web server and its system side by side, until Ctrl-C or one of them ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

MANAGE = [sys.executable, str(Path(__file__).resolve().parent.parent / "manage.py")]
GRACE = 15.0  # seconds


def main(address: str) -> int:
    """Start both processes, and return the exit code of the one that ended first."""
    stopping: list[int] = []
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda received, _frame: stopping.append(received))
    processes = [start("run_system"), start("runserver", address)]

    while not stopping and all(process.poll() is None for process in processes):
        time.sleep(0.1)
    code = 0 if stopping else next(p.returncode for p in processes if p.returncode is not None)
    for process in processes:
        stop(process)
    return code


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a command of the example project."""
    # A session of its own: a terminal's Ctrl-C then reaches this process alone, which passes on
    # exactly one signal; a second one would make the runner abandon its batch.
    return subprocess.Popen([*MANAGE, *arguments], start_new_session=True)  # noqa: S603


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to finish, and end it if it does not within the time of grace."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000"))
