"""The report: rates and ratios, and whether they are what is to be reached."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.comparison.rounds import Figures
from benchmarks.comparison.workloads import Longest, Ratio, Workload

__all__ = ["Verdict", "as_record", "lines", "name_of", "requests", "verdicts"]

NAMES = {
    "ours": "this project",
    "django_peer": "Django peer",
    "native_peer": "native peer",
    "orm": "bare ORM",
    "raw": "raw",
    "locked": "raw with a table lock",
}


@dataclass(frozen=True)
class Verdict:
    """What was to be reached, and what was."""

    text: str
    is_reached: bool

    def __str__(self) -> str:
        return f"{'reached' if self.is_reached else 'MISSED '}  {self.text}"


def lines(figures: Mapping[str, Figures]) -> Iterator[str]:
    """Yield a line for each variant: its rate, or its percentiles, and how ours compares."""
    ours = figures["ours"]
    for label, each in figures.items():
        name = name_of(label)
        if each.rates:
            ratio = "" if label == "ours" else f"   ours is {ours.rate / each.rate:.2f} times that"
            spread = max(each.rates) / min(each.rates)
            yield f"  {name:<24}{each.rate:>12,.0f} /s   spread {spread:.2f}{ratio}"
        else:
            times = (f"p{number} {each.percentile(number):>7.2f} ms" for number in (50, 99))
            yield f"  {name:<24}{'   '.join(times)}"


def verdicts(
    workload: Workload, database: str, figures: Mapping[str, Figures]
) -> Iterator[Verdict]:
    """Yield what has come of each target on the database, where it can be told."""
    for target in [*workload.targets, *workload.also]:
        if database not in target.databases:
            continue
        is_aim = target in workload.also
        if isinstance(target, Ratio) and target.of in figures:
            ratio = figures["ours"].rate / figures[target.of].rate
            yield Verdict(
                f"{workload.title}, {database}: {ratio:.2f} times the {name_of(target.of)} "
                f"({'aim' if is_aim else 'target'} {target.least:g})",
                ratio >= target.least or is_aim,
            )
        elif isinstance(target, Longest):
            found = figures["ours"].percentile(target.percentile)
            yield Verdict(
                f"{workload.title}, {database}: p{target.percentile} {found:.1f} ms "
                f"(target {target.milliseconds:g})",
                found <= target.milliseconds,
            )


def requests(seconds: Sequence[float], longest: float) -> tuple[Any, list[Verdict]]:
    """Return the figures of requests that save and go on working, and what has come of them."""
    found = seconds[len(seconds) // 2]
    text = f"20 requests that save and then work 100 ms: {found:.2f} s in all (target {longest:g})"
    return {"seconds": found}, [Verdict(text, found <= longest)]


def as_record(figures: Mapping[str, Figures]) -> dict[str, Any]:
    """Return the figures in the form in which they are kept."""
    return {
        label: {"rate": each.rate}
        if each.rates
        else {"p50": each.percentile(50), "p99": each.percentile(99)}
        for label, each in figures.items()
    }


def name_of(label: str) -> str:
    """Return what a variant is called in a report."""
    name, _, how = label.partition(", ")
    return f"{NAMES[name]}, {how}" if how else NAMES[name]
