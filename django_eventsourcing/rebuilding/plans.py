"""Plans: what a rebuild would clear and process again, and how long that may take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django_eventsourcing.models import ProjectionRecord
from django_eventsourcing.progress import format_duration, format_rate
from django_eventsourcing.rebuilding.records import in_words

__all__ = ["Count", "RebuildPlan"]


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many there are, as far as that is known without a slow query."""

    number: int
    is_bound: bool = False
    """Whether there may be other than that: so many at most, or at least."""


@dataclass(frozen=True, kw_only=True)
class RebuildPlan:
    """What a rebuild of one projection is going to do."""

    follower: str
    kind: str
    version: int
    rows: Mapping[str, Count]
    """By the labels of the models that are cleared; a bound says that there are more."""
    events: Mapping[str, Count]
    """By the names of the upstreams; a bound says that there are so many at most."""
    rate: float | None
    """Notifications a second, as the last rebuild has processed them."""
    goes_on: bool = False
    """Whether a rebuild was begun and left, which goes on: nothing is cleared any more."""

    @property
    def seconds(self) -> float | None:
        """How long it may take, at most; ``None`` if there is no telling."""
        return sum(each.number for each in self.events.values()) / self.rate if self.rate else None

    def lines(self) -> Iterator[str]:
        """Yield the plan as text."""
        goes_on = "goes on to be" if self.goes_on else "is to be"
        yield (
            f"{self.follower} {goes_on} rebuilt {in_words(self.kind)}, as of version {self.version}"
        )
        if not self.goes_on:
            what = "replaces" if self.kind == ProjectionRecord.Kind.SHADOW else "clears"
            for label, count in self.rows.items():
                more = "more than " if count.is_bound else ""
                yield f"  {what.ljust(8)}  {label}: {more}{_many(count.number, 'row')}"
        for upstream, count in self.events.items():
            most = "at most " if count.is_bound else ""
            yield f"  replays   {upstream}: {most}{_many(count.number, 'event')}"
        yield f"  takes     {self._time()}"
        if self.kind == ProjectionRecord.Kind.IN_PLACE:
            yield (
                "  Readers see an emptied table that fills again; with --shadow, they see the rows "
                "as they are until the new ones are complete."
            )

    def _time(self) -> str:
        if self.seconds is None or self.rate is None:
            return "no rebuild has been measured yet"
        return f"about {format_duration(self.seconds)}, at {format_rate(self.rate)} as last time"


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
