"""
A soak, compressed: one process that starts and stops its runner again and again, and polls.

It writes a line of JSON: what it had after a tenth of the cycles, and after the last one, and how
many threads there were at most. It ends by a signal, so that others can look at it before.
"""

import gc
import json
import signal
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import django


def main() -> None:
    cycles = int(sys.argv[1])
    django.setup()
    from django.db import connections

    from django_eventsourcing import get_application, get_system
    from django_eventsourcing.conf import RunnerOptions
    from django_eventsourcing.runners import ThreadedRunner
    from tests.stress.project.applications import Bank

    tracemalloc.start()
    system = get_system()
    before: dict[str, Any] = {}
    most_threads = 0
    for cycle in range(1, cycles + 1):
        get_application(Bank).enter(str(cycle), 1)
        with ThreadedRunner(system, once=True, options=RunnerOptions(poll_interval=0.001)) as run:
            most_threads = max(most_threads, threading.active_count())
            run.wait(60)
        connections.close_all()
        if cycle == max(1, cycles // 10):
            before = measured()
    told = {"before": before, "after": measured(), "most_threads": most_threads}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    signal.pause()


def measured() -> dict[str, float]:
    """Return what the process has of what may leak."""
    gc.collect()
    return {
        "fds": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "traced": tracemalloc.get_traced_memory()[0] / 2**20,
    }


if __name__ == "__main__":
    main()
