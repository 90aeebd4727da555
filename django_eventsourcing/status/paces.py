"""Paces: how fast followers have been going, by what workers have put on record."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django_eventsourcing.at_once import Gathered
from django_eventsourcing.database_clock import DatabaseNow, seconds_between
from django_eventsourcing.models import FollowerStatistic
from django_eventsourcing.status.values import MINUTES

__all__ = ["Minute", "Pace", "asked_minutes", "pace_of", "paces_of"]

_RECENT = 2
"""Minutes by which the rate is told: the one that is not over yet, and the one before."""
_SHORTEST = 10.0
"""Seconds for which the minute that is not over counts at least: two heartbeats of a worker."""


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What was processed in a minute; ``ago`` is 0 for the one that is not over yet."""

    ago: int
    processed: int
    passed: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast a follower has been going."""

    rate: float | None = None
    """Notifications a second, while there were any, in the last minute; ``None`` if none were."""
    ids_rate: float | None = None
    """By how many ids a second its positions went on."""
    rates: tuple[float, ...] = (0.0,) * MINUTES
    """Notifications a second in each minute of the last hour, the last one at the end."""


def asked_minutes(names: Collection[str]) -> Gathered:
    """Return what is to be asked of a database for the paces of these followers."""
    since = DatabaseNow() - timedelta(minutes=MINUTES)
    rows = FollowerStatistic.objects.filter(minute__gt=since, application_name__in=names)
    return Gathered(rows, "application_name", "minute", "processed", "passed", "seconds")


def paces_of(answer: Sequence[Sequence[Any]] | None, now: datetime) -> dict[str, Pace]:
    """Return the paces of those followers of which the last hour has something, by the answer."""
    found: dict[str, list[Minute]] = {}
    begun = now.replace(second=0, microsecond=0)
    for name, text, processed, passed, seconds in answer or []:
        at = datetime.fromisoformat(text)
        # Times are kept in UTC, and some databases do not say so.
        minute = at if at.tzinfo else at.replace(tzinfo=UTC)
        found.setdefault(name, []).append(
            Minute(ago=_minutes(minute, begun), processed=processed, passed=passed, seconds=seconds)
        )
    elapsed = seconds_between(begun, now)
    return {name: pace_of(minutes, elapsed) for name, minutes in found.items()}


def pace_of(minutes: Iterable[Minute], elapsed: float) -> Pace:
    """Return the pace by the minutes; ``elapsed`` are the seconds of the one that is not over."""
    rates = [0.0] * MINUTES
    recent = []
    for minute in minutes:
        if 0 <= minute.ago < MINUTES:
            length = 60.0 if minute.ago else max(_SHORTEST, elapsed)
            rates[-1 - minute.ago] = minute.processed / length
        if 0 <= minute.ago < _RECENT:
            recent.append(minute)
    seconds = sum(minute.seconds for minute in recent)
    if seconds <= 0:
        return Pace(rates=tuple(rates))
    return Pace(
        rate=sum(minute.processed for minute in recent) / seconds,
        ids_rate=sum(minute.passed for minute in recent) / seconds,
        rates=tuple(rates),
    )


def _minutes(minute: datetime, begun: datetime) -> int:
    return round(seconds_between(minute, begun) / 60)
