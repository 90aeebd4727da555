"""Charts made of plain HTML: counts, and how long their bars are."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Bar", "bars"]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar of a chart."""

    label: str
    count: int
    percent: int
    """The length, in hundredths of the longest bar's."""


def bars(counts: Mapping[str, int]) -> list[Bar]:
    """Return a bar for each count, in the order given, the longest of them at 100 percent."""
    longest = max(counts.values(), default=0)
    return [
        Bar(label=label, count=count, percent=_percent(count, longest))
        for label, count in counts.items()
    ]


def _percent(count: int, longest: int) -> int:
    # However little there is, it can be seen.
    return max(1, round(100 * count / longest)) if count else 0
