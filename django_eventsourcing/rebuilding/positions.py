"""Positions: how far a follower, its segments and a rebuild beside them are, by one query."""

from collections.abc import Iterable

from django_eventsourcing.at_once import Gathered
from django_eventsourcing.models import AbstractTracking
from django_eventsourcing.querysets import TrackingQuerySet
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.segments import SHADOW, Segment, follower_name

__all__ = ["KeptPositions", "asked_positions", "read_positions"]

_COLUMNS = ("application_name", "upstream_name", "notification_id")


class KeptPositions:
    """The positions of one follower that are in force, as they were when they were read."""

    def __init__(self, follower: str, rows: Iterable[tuple[str, str, int]]) -> None:
        """``rows`` have the name of the follower or segment, that of the upstream, the position."""
        self._follower = follower
        self._rows = list(rows)

    def in_force(self, upstream_name: str) -> dict[str, int]:
        """Return the positions in the upstream by which the follower's segments process."""
        return {
            name: position
            for name, upstream, position in self._rows
            if upstream == upstream_name and follower_name(name) == self._follower
        }

    @property
    def shadow(self) -> dict[str, int]:
        """The positions of a rebuild by shadow, by the upstreams in which it has any."""
        own = Segment(follower=self._follower, purpose=SHADOW).name
        return {upstream: position for name, upstream, position in self._rows if name == own}


def read_positions(system: ConfiguredSystem, follower: str) -> KeptPositions:
    """Return the positions of a follower that keeps them in a database."""
    with database_errors(system.database_of(follower)):
        return KeptPositions(follower, _rows(system, follower).values_list(*_COLUMNS))


def asked_positions(system: ConfiguredSystem, follower: str) -> Gathered:
    """Return what is to be asked of the follower's database for rows of ``KeptPositions``."""
    return Gathered(_rows(system, follower), *_COLUMNS)


def _rows(system: ConfiguredSystem, follower: str) -> TrackingQuerySet[AbstractTracking]:
    alias = system.database_of(follower)
    rows: TrackingQuerySet[AbstractTracking] = system.models_of(follower).tracking.objects.using(
        alias
    )
    return rows.like(follower).in_force().order_by()
