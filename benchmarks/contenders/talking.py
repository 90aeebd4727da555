"""Talking: a contender is told on its standard input what to do, and answers with figures."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any


class Stopwatch:
    """Adds up the seconds of what is measured; the rest of a workload is preparation."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the seconds of the block."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started

    def rate(self, count: int) -> dict[str, Any]:
        """Return the figures of work that was done so many times."""
        return {"count": count, "seconds": self.seconds}


def serve(contender: Any) -> None:
    """
    Carry out orders until there are no more.

    An order is a line of JSON, such as ``{"workload": "save_one", "arguments": {"count": 100}}``,
    and is carried out by the contender's method of that name. The answer is what that returns, or
    ``null`` where the contender has no such method.
    """
    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        for line in sys.stdin:
            order = json.loads(line)
            workload = getattr(contender, order["workload"], None)
            answer = None if workload is None else workload(**order["arguments"])
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
