"""Errors of the order of commits."""

from __future__ import annotations

from typing import Self

from django.db import OperationalError

__all__ = ["GivenIdsDeadlockError"]


class GivenIdsDeadlockError(OperationalError):
    """Two transactions wait for each other, as ids are given to events late in this one."""

    @classmethod
    def of(cls, alias: str, event_table: str, highest: int) -> Self:
        """Return the error of ids up to the highest that are given to events of the table."""
        return cls(
            f"Database {alias!r}: ids up to {highest} cannot be given to events of {event_table}: "
            "that waits for all transactions which have recorded events, and one of them waits for "
            "this one.  HINT: Roll back, and give ids in a transaction of their own, before any "
            "other write."
        )
