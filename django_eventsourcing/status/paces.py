"""Paces: how fast followers have been going, by what workers have put on record."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django_eventsourcing.database_clock import DatabaseNow, seconds_between
from django_eventsourcing.models import FollowerStatistic
from django_eventsourcing.status.values import MINUTES

__all__ = ["Minute", "Pace", "pace_of", "read_paces"]

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


def read_paces(alias: str, names: Collection[str]) -> dict[str, Pace]:
    """Return the paces of those followers of which the last hour has something."""
    since = DatabaseNow() - timedelta(minutes=MINUTES)
    rows = FollowerStatistic.objects.using(alias).filter(
        minute__gt=since, application_name__in=names
    )
    found: dict[str, list[Minute]] = {}
    elapsed = 0.0
    for name, minute, processed, passed, seconds, now in rows.values_list(
        "application_name", "minute", "processed", "passed", "seconds", DatabaseNow()
    ):
        begun = now.replace(second=0, microsecond=0)
        elapsed = seconds_between(begun, now)
        found.setdefault(name, []).append(
            Minute(ago=_minutes(minute, begun), processed=processed, passed=passed, seconds=seconds)
        )
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
