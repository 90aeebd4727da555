"""Attempts: how often a follower has failed at one position, and whether in the same way."""

import traceback
from pathlib import Path

from django_eventsourcing.conflicts import is_lock_conflict
from eventsourcing.persistence import AlreadyProcessedError, RecordConflictError

__all__ = ["Attempts", "is_conflict", "place_of"]


class Attempts:
    """Counts the failures at one position; they start anew when the position has moved."""

    def __init__(self) -> None:
        self.are_alike = False
        """Whether the last failure is like the one before it at the same position."""
        self._position: int | None = None
        self._count = 0
        self._way: object = None

    def failed_at(self, position: int | None, error: BaseException) -> int:
        """Return how many failures there have been at the position, with this one."""
        if position != self._position:
            self._position, self._count, self._way = position, 0, None
        self._count += 1
        # Its text does not tell: that of a refused row names the id that it would have had.
        way = type(error), place_of(error)
        self.are_alike, self._way = way == self._way, way
        return self._count


def is_conflict(error: BaseException) -> bool:
    """Tell whether others were faster, or in the way, which is another matter each time."""
    return isinstance(error, (RecordConflictError, AlreadyProcessedError)) or is_lock_conflict(
        error
    )


def place_of(error: BaseException) -> str:
    """Return file and line where the error was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"
