"""
Faults: a process does something to itself at a named point, as the environment asks.

``STRESS_FAULT`` is ``point:action:number``: when the point is reached for the number-th time, the
process sends itself the signal that the action names (``KILL``, ``TERM``, ``STOP``).

The points: ``read``, a notification is about to be processed; ``policy``, the policy has done its
work; ``commit``, the transaction of a policy is about to be committed; ``committed``, the database
has confirmed that commit, and nobody has been told yet.
"""

import os
import signal
import threading
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

POINTS = ("read", "policy", "commit", "committed")

_state = threading.local()
_lock = threading.Lock()
_reached: dict[str, int] = {}


def install() -> None:
    """Watch the commits of this process, if the environment asks for a fault."""
    if not os.environ.get("STRESS_FAULT"):
        return
    commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def watched_commit(self: BaseDatabaseWrapper) -> Any:
        # Only transactions in which a policy has run count, whichever thread that was.
        is_policys = getattr(_state, "has_processed", False)
        _state.has_processed = False
        if is_policys:
            reach("commit")
        result = commit(self)
        if is_policys:
            reach("committed")
        return result

    BaseDatabaseWrapper._commit = watched_commit  # type: ignore[attr-defined]


def reach(point: str) -> None:
    """Do what the environment asks for at this point."""
    if point == "policy":
        _state.has_processed = True
    wanted, _, rest = os.environ.get("STRESS_FAULT", "").partition(":")
    if wanted != point:
        return
    action, _, number = rest.partition(":")
    with _lock:
        _reached[point] = _reached.get(point, 0) + 1
        is_due = _reached[point] == int(number)
    if is_due:
        os.kill(os.getpid(), signal.Signals[f"SIG{action}"])
