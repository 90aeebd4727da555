"""Rounds: all variants of a workload take turns, so that a machine that drifts drifts for all."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.comparison.processes import Contender
from benchmarks.comparison.workloads import Workload

__all__ = ["Figures", "measured"]


class Figures:
    """What the rounds of one variant have shown."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.samples: list[float] = []

    def add(self, answer: Mapping[str, Any]) -> None:
        """Add the answer of one round."""
        if answer.get("seconds"):
            self.rates.append(answer["count"] / answer["seconds"])
        self.samples += answer.get("samples", [])

    @property
    def rate(self) -> float:
        """The median of the rounds' rates, a second."""
        return median(self.rates)

    def percentile(self, number: int) -> float:
        """Return the milliseconds that so many of a hundred samples take at most."""
        samples = sorted(self.samples)
        return samples[min(len(samples) * number // 100, len(samples) - 1)] * 1000


def measured(
    workload: Workload,
    contenders: Mapping[str, Contender],
    rounds: int,
    tell: Callable[[str], object],
) -> dict[str, Figures]:
    """Let each variant have its turn in each round, from another one on each time."""
    labels: Sequence[str] = [
        label for label, (name, _) in workload.variants.items() if name in contenders
    ]
    figures = {label: Figures() for label in labels}
    for number in range(rounds):
        first = number % len(labels)
        for label in [*labels[first:], *labels[:first]]:
            name, arguments = workload.variants[label]
            figures[label].add(contenders[name].ask(workload.name, **arguments))
        tell(f"{workload.title}: round {number + 1} of {rounds}")
    return figures
