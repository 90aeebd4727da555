"""Shares: which followers a worker takes, and which it leaves to others, so that work is shared."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from uuid import UUID

__all__ = ["Standing"]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Who may run which followers, and who does: the same for all workers that look."""

    workers: Mapping[UUID, Collection[str]]
    """For each live worker, the followers of which it takes its share."""
    owners: Mapping[str, UUID | None]
    """For each follower, the worker whose lease is in force."""

    def share_of(self, worker: UUID) -> int:
        """Return how many followers are the worker's fair share, rounded up."""
        return ceil(
            sum(
                Fraction(1, sum(name in others for others in self.workers.values()))
                for name in self.workers.get(worker, ())
            )
        )

    def held_by(self, worker: UUID) -> list[str]:
        """Return the followers that are the worker's."""
        return [name for name, owner in self.owners.items() if owner == worker]

    def free(self) -> list[str]:
        """Return the followers that are nobody's."""
        return [name for name, owner in self.owners.items() if owner is None]

    def has_others(self, worker: UUID, name: str) -> bool:
        """Tell whether the follower is one of those that another worker takes its share of."""
        return any(name in names for other, names in self.workers.items() if other != worker)

    def surplus_of(self, worker: UUID) -> list[str]:
        """
        Return the followers that the worker should leave to others, who have fewer.

        Only a difference of two or more counts, so that nothing is passed to and fro; and nothing
        is passed on as long as something is there to be taken.
        """
        mine = self.held_by(worker)
        receivers = [
            other
            for other in self.workers
            if (held := len(self.held_by(other))) + 2 <= len(mine) and held < self.share_of(other)
        ]
        wanted = [name for name in mine if any(name in self.workers[r] for r in receivers)]
        if not wanted or any(name in self.workers[r] for name in self.free() for r in receivers):
            return []
        return wanted[-max(1, len(mine) - self.share_of(worker)) :]
