"""
The commit order of SQLite: one writer at a time.

A transaction is the only writer from its first write to its commit, so ids are drawn in the order
of commits. ``AUTOINCREMENT`` keeps the id of a deleted event from being given out again. The id of
an event that was rolled back is given out again, which nobody can notice: readers see committed
rows alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.backends.base.base import BaseDatabaseWrapper

from django_eventsourcing.ordering.base import CommitOrder

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent

__all__ = ["SingleWriter"]


class SingleWriter(CommitOrder):
    """Leaves the order of commits to SQLite, which has one writer at a time."""

    def before_insert(
        self, connection: BaseDatabaseWrapper, records: Sequence[AbstractStoredEvent]
    ) -> None:
        """Do nothing: the insert makes the transaction the only writer, if it is not already."""
