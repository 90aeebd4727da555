"""Processes: whether one that has gone without a word is still there."""

import os
import platform
import sys
import uuid
from pathlib import Path

__all__ = ["is_alive", "pid_space"]


def pid_space() -> str:
    """
    Return what tells processes apart whose ids mean different things.

    Two that have the same value can tell by the id whether the other is alive: they run on the same
    machine, since its last start, and not in different containers. It is empty where none can.
    """
    if sys.platform == "win32":
        return ""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return "" if sys.platform == "linux" else f"{platform.node()} {uuid.getnode()}"


def is_alive(pid: int) -> bool:
    """Tell whether there is a process with this id; it may be another than the one meant."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # It is somebody else's.
        return True
    return True
