"""Health: what of a status is worth telling somebody, and how urgently."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

from django_eventsourcing.operating import CIRCUIT_OPEN
from django_eventsourcing.progress import format_duration
from django_eventsourcing.status.values import FollowerStatus, HolderStatus, SystemStatus, Verdict
from django_eventsourcing.status.verdicts import HELD_UP_AFTER, and_also, counted
from django_eventsourcing.wording import Words

__all__ = ["Finding", "Severity", "health", "worst"]

HELD_UP_LONG = 25.0
"""Seconds after which it is critical that an open transaction holds up followers, or writers."""


class Severity(StrEnum):
    """How urgently somebody has to look."""

    OK = "ok"
    WARNING = "warning"
    """Somebody should look at it some time; the system does what it is told."""
    CRITICAL = "critical"
    """Events are not being processed, or would not be."""


_RANKS = {Severity.OK: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
_SEVERITIES = {
    Verdict.CAUGHT_UP: Severity.OK,
    Verdict.LAGGING: Severity.OK,
    Verdict.RETRYING: Severity.WARNING,
    Verdict.HELD_UP: Severity.WARNING,
    Verdict.STUCK: Severity.CRITICAL,
    Verdict.FAILED: Severity.CRITICAL,
    Verdict.NOT_RUNNING: Severity.CRITICAL,
    Verdict.PARKED: Severity.WARNING,
    Verdict.PAUSED: Severity.WARNING,
    Verdict.UNKNOWN: Severity.CRITICAL,
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How one follower is doing, or the writers, and whether that is a matter for somebody."""

    severity: Severity
    system: str
    follower: str
    """Its name; empty if it is about the writers."""
    verdict: Verdict
    words: str


def health(
    status: SystemStatus, *, max_lag: int | None = None, max_age: float | None = None
) -> list[Finding]:
    """
    Return a finding for each follower, those that are well included, and for writers that wait.

    A follower that is behind and catching up is well, unless more than ``max_lag`` notifications
    are pending, or the oldest of them has been for more than ``max_age`` seconds.
    """
    return [
        _finding(status, follower, max_lag=max_lag, max_age=max_age)
        for follower in status.followers
    ] + [
        _finding_of_writers(status, holder)
        for holder in status.holders
        if holder.keeps_writers and (holder.seconds or 0) > HELD_UP_AFTER
    ]


def worst(findings: Iterable[Finding]) -> Severity:
    """Return the highest severity of the findings; ``OK`` if there are none."""
    return max(
        (finding.severity for finding in findings), key=_RANKS.__getitem__, default=Severity.OK
    )


def _finding(
    status: SystemStatus, follower: FollowerStatus, *, max_lag: int | None, max_age: float | None
) -> Finding:
    severity, words = _SEVERITIES[follower.verdict], follower.words
    beyond = _beyond(follower, max_lag=max_lag, max_age=max_age)
    if (beyond or follower.parked) and severity is Severity.OK:
        severity = Severity.WARNING
    still = max((pipe.still_seconds for pipe in follower.pipes), default=0.0)
    if follower.verdict is Verdict.HELD_UP and still > HELD_UP_LONG:
        severity = Severity.CRITICAL
    if follower.verdict is Verdict.PAUSED and follower.reason.startswith(CIRCUIT_OPEN):
        severity = Severity.CRITICAL
    return Finding(
        severity=severity,
        system=status.alias,
        follower=follower.name,
        verdict=follower.verdict,
        words=reduce(and_also, beyond, words),
    )


def _finding_of_writers(status: SystemStatus, holder: HolderStatus) -> Finding:
    is_long = (holder.seconds or 0) > HELD_UP_LONG
    return Finding(
        severity=Severity.CRITICAL if is_long else Severity.WARNING,
        system=status.alias,
        follower="",
        verdict=Verdict.HELD_UP,
        words=Words.gettext(
            "Writers are held up by an open transaction: the log of %(upstreams)s is %(held)s",
            upstreams=", ".join(holder.upstreams),
            held=holder.words,
        ),
    )


def _beyond(follower: FollowerStatus, *, max_lag: int | None, max_age: float | None) -> list[Words]:
    limits = []
    if max_lag is not None and follower.behind > max_lag:
        limits.append(Words.gettext("more than %(count)s are pending", count=counted(max_lag)))
    age = follower.behind_seconds
    if max_age is not None and age is not None and age > max_age:
        limits.append(
            Words.gettext(
                "the oldest has been pending for %(time)s, more than %(limit)s",
                time=format_duration(age),
                limit=format_duration(max_age),
            )
        )
    return limits
