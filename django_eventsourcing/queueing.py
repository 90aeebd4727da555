"""Queueing: processes of one host that want the same thing take it one by one."""

import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from zlib import crc32

if sys.platform != "win32":
    import fcntl

__all__ = ["HostQueue"]

# Queues that share a file wait for each other; with so many files that is rare.
_FILES = 4096
# Seconds between two looks at whether it is our turn.
_SHORTEST_LOOK, _LONGEST_LOOK = 0.002, 0.008


class HostQueue:
    """
    A queue for a name: of all processes of this host and user, one has its turn at a time.

    It is a lock on a file among the temporary ones, which the operating system takes back from a
    process that dies. Nothing depends on it but how often others are met: whoever waits too long
    goes on without, as do all where there are no such locks.
    """

    def __init__(self, name: str) -> None:
        self._file = f"{crc32(name.encode()) % _FILES:04d}.lock"

    @contextmanager
    def turn(self, timeout: float) -> Iterator[bool]:
        """Wait for the turn for ``timeout`` seconds at most; yield whether there were others."""
        descriptor = _open(self._file)
        if descriptor is None:
            yield False
            return
        owner = os.getpid()
        try:
            yield _wait(descriptor, timeout)
        finally:
            # A child that is forked meanwhile has the file open, too: closing it here alone would
            # leave the lock to the child, for as long as that lives.
            if os.getpid() == owner:
                _unlock(descriptor)
            os.close(descriptor)


def _wait(descriptor: int, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    were_others_there = False
    while not _lock(descriptor):
        were_others_there = True
        if time.monotonic() >= deadline:
            break
        time.sleep(random.uniform(_SHORTEST_LOOK, _LONGEST_LOOK))
    return were_others_there


if sys.platform != "win32":

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # A file system without locks.
            return True
        return True

    def _unlock(descriptor: int) -> None:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _open(name: str) -> int | None:
        directory = Path(tempfile.gettempdir()) / f"django-eventsourcing-{os.getuid()}"
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            if directory.lstat().st_uid != os.getuid():
                return None
            return os.open(directory / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            # No place for temporary files, or none that we may write to.
            return None

else:

    def _lock(_descriptor: int) -> bool:
        return True

    def _unlock(_descriptor: int) -> None:
        pass

    def _open(_name: str) -> int | None:
        return None
