"""Imports: how long ``import eventsourcing.system`` takes in a process that has just begun."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.comparison.report import Verdict

__all__ = ["imported", "report"]

MOST_OF_THE_PEER = 0.6
_PROGRAM = (
    "import time; started = time.perf_counter(); import eventsourcing.system; "
    "print(time.perf_counter() - started)"
)


def imported(interpreters: Mapping[str, Sequence[str]], rounds: int) -> dict[str, float]:
    """Return the seconds that it takes by each interpreter, the median of the rounds."""
    seconds: dict[str, list[float]] = {name: [] for name in interpreters}
    for _ in range(rounds):
        for name, command in interpreters.items():
            done = subprocess.run(  # noqa: S603
                [*command, "-P", "-c", _PROGRAM],
                capture_output=True,
                text=True,
                check=True,
                env={key: value for key, value in os.environ.items() if key[:6] != "PYTHON"},
            )
            seconds[name].append(float(done.stdout))
    return {name: median(each) for name, each in seconds.items()}


def report(seconds: Mapping[str, float]) -> tuple[Any, list[Verdict]]:
    """Return the figures, and what has come of them."""
    ratio = seconds["ours"] / seconds["peer"]
    text = (
        f"import eventsourcing.system: {seconds['ours'] * 1000:.0f} ms, {ratio:.0%} of the peer's "
        f"(target {MOST_OF_THE_PEER:.0%} at most)"
    )
    return dict(seconds), [Verdict(text, ratio <= MOST_OF_THE_PEER)]
