"""Reports: how far the followers are, as values and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django_eventsourcing.progress import format_rate
from django_eventsourcing.tables import number_cell, table_lines

__all__ = ["PipeReport", "State", "summary_table"]


class State(StrEnum):
    """What a follower is doing, or why it ended."""

    RUNNING = "running"
    CAUGHT_UP = "caught up"
    RETRYING = "retrying"
    WAITING = "waiting for the database"
    STAND_BY = "stand-by"
    PAUSED = "paused"
    STOPPED = "stopped"
    REFUSED = "refused"
    """Its positions are for another number of segments."""
    SYNCHRONOUS = "synchronous"
    """It has nothing to do: the follower processes in the transactions that record."""
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
    rows = [
        (
            report.follower,
            report.upstream,
            number_cell(report.position),
            number_cell(report.head),
            number_cell(report.processed),
            format_rate(report.rate) if report.processed else "-",
            str(report.state),
        )
        for report in reports
    ]
    reasons = dict.fromkeys(f"{r.follower}: {r.reason}" for r in reports if r.reason)
    return [*table_lines(_TITLES, rows, numbers=_NUMBERS), *reasons]


_NUMBERS = ("position", "head", "processed", "rate")
_TITLES = ("follower", "upstream", *_NUMBERS, "state")
