"""Programs: measurements that are programs of their own, run for their figures."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.comparison.processes import ROOT
from benchmarks.comparison.report import Verdict

__all__ = ["another_process", "memory"]

LONGEST_HALF, LONGEST_MOST = 4.0, 15.0
"""Milliseconds within which half, and 99 of 100, commits are processed by another process."""
MOST_GROWTH = 50
"""Megabytes by which a process may grow that catches up."""


def another_process(saves: int) -> tuple[Any, list[Verdict]]:
    """Return how soon another process has processed what was committed, and what that is worth."""
    (seconds,) = figures_of("wake_up", "--listening-only", f"--saves={saves}").values()
    half, most = (1000 * seconds[int(len(seconds) * share)] for share in (0.5, 0.99))
    title = f"save → processed by another process, of {len(seconds)} saves"
    verdicts = [
        Verdict(f"{title}: {name} {found:.1f} ms (target {longest:g})", found <= longest)
        for name, found, longest in (("p50", half, LONGEST_HALF), ("p99", most, LONGEST_MOST))
    ]
    return {"ours": {"p50": half, "p99": most}}, verdicts


def memory(database: str, events: int) -> tuple[Any, list[Verdict]]:
    """Return by how much a process grows that catches up on so many events."""
    found = figures_of("catch_up_memory", f"--database={database}", f"--events={events}")
    text = (
        f"catching up on {events:,} events, {database}: {found['megabytes']:.1f} MB more than at "
        f"the start (target less than {MOST_GROWTH}), {found['rate']:,.0f} events a second"
    )
    return found, [Verdict(text, found["megabytes"] < MOST_GROWTH)]


def figures_of(program: str, *arguments: str) -> dict[str, Any]:
    """Run a program that writes figures into a file; what it says goes to the terminal."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "figures.json"
        command = [sys.executable, "-m", f"benchmarks.{program}", *arguments, f"--figures={file}"]
        # It has targets of its own, and tells by its exit whether they are reached.
        subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603
        if not file.exists():
            sys.exit(f"{' '.join(command)} has come to no figures.")
        figures: dict[str, Any] = json.loads(file.read_text())
        return figures
