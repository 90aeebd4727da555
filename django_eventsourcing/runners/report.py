"""Reports: how far the followers are, as values and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django_eventsourcing.progress import format_rate

__all__ = ["PipeReport", "State", "summary_table"]


class State(StrEnum):
    """What a follower is doing, or why it ended."""

    RUNNING = "running"
    CAUGHT_UP = "caught up"
    RETRYING = "retrying"
    WAITING = "waiting for the database"
    STOPPED = "stopped"
    FAILED = "failed"
    DIED = "died"


@dataclass(frozen=True, kw_only=True)
class PipeReport:
    """How far one follower is in the log of one upstream application."""

    follower: str
    upstream: str
    position: int | None
    """The id of the last notification processed, by any worker; ``None`` if it is not known."""
    head: int | None
    """The id of the last notification in the log."""
    processed: int
    """How many notifications this runner has processed."""
    rate: float
    """How many of them a second, while there were any."""
    state: State
    reason: str = ""
    """Why the follower has stopped, where it has."""


def summary_table(reports: Sequence[PipeReport]) -> list[str]:
    """Return the lines of a table of the reports, and of the reasons below it."""
    head = ("follower", "upstream", "position", "head", "processed", "rate", "state")
    rows = [
        (
            report.follower,
            report.upstream,
            _number(report.position),
            _number(report.head),
            _number(report.processed),
            format_rate(report.rate) if report.processed else "-",
            str(report.state),
        )
        for report in reports
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [_line(row, widths) for row in [head, *rows]]
    reasons = dict.fromkeys(f"{r.follower}: {r.reason}" for r in reports if r.reason)
    return [*lines, *reasons]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    # Words to the left, numbers to the right.
    cells = [
        cell.rjust(width) if 2 <= i <= 5 else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
