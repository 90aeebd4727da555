"""Reports: a status as lines to be read, and as data for ``--json``."""

from collections.abc import Iterator, Sequence
from typing import Any

from django_eventsourcing.progress import format_duration, format_rate
from django_eventsourcing.status.health import Finding, Severity
from django_eventsourcing.status.values import (
    FollowerStatus,
    PipeStatus,
    SystemStatus,
    WorkerStatus,
)
from django_eventsourcing.status.verdicts import counted
from django_eventsourcing.tables import number_cell, table_lines

__all__ = ["finding_lines", "status_data", "status_lines"]

_FOLLOWERS = (
    "follower",
    "upstream",
    "position",
    "head",
    "behind",
    "oldest",
    "rate",
    "ETA",
    "verdict",
    "worker",
)
_WORKERS = ("worker", "version", "wakes by", "last heard of")
_NUMBERS = ("position", "head", "behind", "oldest", "rate", "ETA")


def status_lines(status: SystemStatus, findings: Sequence[Finding]) -> list[str]:
    """Return a table of the followers, their verdicts in words, and a table of the workers."""
    if not status.followers:
        return [f"System {status.alias!r} has no followers."]
    rows = [_row(each, pipe) for each in status.followers for pipe in each.pipes or (None,)]
    lines = [f"System {status.alias!r}", "", *table_lines(_FOLLOWERS, rows, numbers=_NUMBERS), ""]
    lines += [finding.words for finding in findings]
    lines += [*status.errors, *status.notices]
    if status.workers:
        workers = [_worker_row(worker) for worker in status.workers]
        lines += ["", *table_lines(_WORKERS, workers)]
    return lines


def finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each finding: its severity, and the words."""
    width = max((len(severity) for severity in Severity), default=0)
    for finding in findings:
        yield f"{finding.severity.upper().ljust(width)}  {finding.words}"


def status_data(status: SystemStatus, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the status as the commands and the views give it to programs."""
    severities = {finding.follower: finding.severity for finding in findings}
    words = {finding.follower: finding.words for finding in findings}
    return {
        "alias": status.alias,
        "followers": [
            {
                "name": each.name,
                "verdict": each.verdict,
                "severity": severities[each.name],
                "words": words[each.name],
                "database": each.database,
                "desired_state": "running" if each.is_wanted else "paused",
                "reason": each.reason,
                "state": each.state,
                "is_held": each.is_held,
                "worker": each.worker and each.worker.id,
                "behind": each.behind,
                "is_more": each.is_more,
                "behind_seconds": each.behind_seconds,
                "rate": each.rate,
                "eta_seconds": each.eta_seconds,
                "rates": each.rates,
                "parked": each.parked,
                "is_more_parked": each.is_more_parked,
                "failed_upstream": each.failed_upstream,
                "failed_notification": each.failed_notification,
                "attempts": each.attempts,
                "error": each.error,
                "pipes": each.pipes,
            }
            for each in status.followers
        ],
        "workers": status.workers,
        "holders": status.holders,
        "errors": status.errors,
        "notices": status.notices,
    }


def _row(follower: FollowerStatus, pipe: PipeStatus | None) -> tuple[str, ...]:
    worker = str(follower.worker) if follower.worker and follower.is_held else "-"
    if pipe is None or pipe.error:
        upstream = pipe.upstream if pipe else "-"
        return follower.name, upstream, *["?"] * 6, follower.verdict, worker
    return (
        follower.name,
        pipe.upstream,
        number_cell(pipe.position),
        number_cell(pipe.head),
        counted(pipe.behind, is_more=pipe.is_more),
        "-" if pipe.behind_seconds is None else format_duration(pipe.behind_seconds),
        "-" if follower.rate is None else format_rate(follower.rate),
        "-" if follower.eta_seconds is None else format_duration(follower.eta_seconds),
        follower.verdict,
        worker,
    )


def _worker_row(worker: WorkerStatus) -> tuple[str, ...]:
    age = f"{format_duration(worker.heartbeat_seconds)} ago"
    return str(worker), worker.version, worker.wake_up, age
