"""
The checker: compares what was acknowledged, what is in the log and what followers have processed.

Its invariants: every acknowledged event is in the log; every event in the log is processed exactly
once by each follower; a follower never sees an aggregate's events out of order; nothing is
processed that is not in the log. A save whose answer was lost may be in the log or not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Logged(NamedTuple):
    """An event in the log of an application."""

    application: str
    notification_id: int
    originator_id: str
    originator_version: int


class Effect(NamedTuple):
    """An event of an upstream application that a follower has processed."""

    follower: str
    upstream: str
    notification_id: int
    originator_id: str
    originator_version: int

    @property
    def event(self) -> Logged:
        return Logged(
            self.upstream, self.notification_id, self.originator_id, self.originator_version
        )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the checker has found."""

    acknowledged: int
    logged: int
    processed: int
    lost: tuple[Logged, ...] = ()
    """Acknowledged, and not in the log."""
    unprocessed: tuple[tuple[str, Logged], ...] = ()
    """In the log, and not processed by this follower."""
    doubled: tuple[tuple[str, Logged], ...] = ()
    """Processed more than once by this follower."""
    disordered: tuple[tuple[str, Logged], ...] = ()
    """Processed after a later event of the same aggregate."""
    phantoms: tuple[tuple[str, Logged], ...] = ()
    """Processed, and not in the log."""

    @property
    def faults(self) -> dict[str, int]:
        """How many there are of each kind."""
        kinds = ("lost", "unprocessed", "doubled", "disordered", "phantoms")
        return {kind: len(getattr(self, kind)) for kind in kinds}

    @property
    def is_clean(self) -> bool:
        return not any(self.faults.values())

    def __str__(self) -> str:
        counts = (
            f"{self.acknowledged} acknowledged, {self.logged} logged, {self.processed} processed"
        )
        faults = ", ".join(f"{number} {kind}" for kind, number in self.faults.items())
        examples = [
            f"\n  {kind}: {found}" for kind in self.faults for found in getattr(self, kind)[:3]
        ]
        return f"{counts}: {faults}{''.join(examples)}"


def check(
    acknowledged: Iterable[Logged],
    log: Iterable[Logged],
    effects: Sequence[Effect],
    follows: Mapping[str, Sequence[str]],
) -> Verdict:
    """
    Check the invariants; the effects are given in the order of processing.

    ``follows`` names the upstream applications of each follower.
    """
    acknowledged, logged = list(acknowledged), list(log)
    in_log = set(logged)
    times = Counter((effect.follower, effect.event) for effect in effects)
    expected = [
        (follower, event)
        for follower, upstreams in follows.items()
        for event in logged
        if event.application in upstreams
    ]
    return Verdict(
        acknowledged=len(acknowledged),
        logged=len(logged),
        processed=len(effects),
        lost=tuple(event for event in acknowledged if event not in in_log),
        unprocessed=tuple(pair for pair in expected if pair not in times),
        doubled=tuple(pair for pair, number in times.items() if number > 1),
        disordered=tuple(_disordered(effects)),
        phantoms=tuple(pair for pair in times if pair[1] not in in_log),
    )


def _disordered(effects: Sequence[Effect]) -> Iterable[tuple[str, Logged]]:
    highest: dict[tuple[str, str, str], int] = {}
    for effect in effects:
        aggregate = (effect.follower, effect.upstream, effect.originator_id)
        if effect.originator_version < highest.get(aggregate, 0):
            yield effect.follower, effect.event
        highest[aggregate] = max(effect.originator_version, highest.get(aggregate, 0))
