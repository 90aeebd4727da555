"""Growth: what a few things cost when the log is short, and when it is long."""

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.comparison.processes import Contender
from benchmarks.comparison.report import Verdict

__all__ = ["grown", "report"]

MOST_GROWTH = 1.25
"""How many times the first cost is the last one, at most."""


def grown(
    contender: Contender, sizes: Sequence[int], tell: Callable[[str], object]
) -> dict[int, dict[str, float]]:
    """Return what things cost, in seconds, at each number of events."""
    costs: dict[int, dict[str, float]] = {}
    for size in sizes:
        costs[size] = contender.ask("grow", events=size)["costs"]
        found = ", ".join(
            f"{what} {seconds * 1000:.2f} ms" for what, seconds in costs[size].items()
        )
        tell(f"growth, {size:,} events: {found}")
    return costs


def report(costs: dict[int, dict[str, float]], database: str) -> tuple[Any, list[Verdict]]:
    """Return the figures, and how many times the first cost of each thing is the last one."""
    sizes = sorted(costs)
    verdicts = []
    for what, first in costs[sizes[0]].items():
        ratio = costs[sizes[-1]][what] / first
        text = (
            f"{what}, {database}, with {sizes[-1]:,} events: {ratio:.2f} times what it takes with "
            f"{sizes[0]:,} (target {MOST_GROWTH:g} at most)"
        )
        verdicts.append(Verdict(text, ratio <= MOST_GROWTH))
    return {str(size): costs[size] for size in sizes}, verdicts
