"""Growth: what a few things cost when the log is short, and when it is long."""

from collections.abc import Callable, Sequence

from benchmarks.comparison.processes import Contender

__all__ = ["MOST_GROWTH", "grown"]

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
