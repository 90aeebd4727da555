"""The contract of a commit order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from django_eventsourcing.problems import Problem

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent

__all__ = ["CommitOrder", "highest_id"]


class CommitOrder(ABC):
    """Keeps readers of one event table from passing by what is committed late."""

    draws_ids = False
    """Whether ids are drawn before the insert, by ``drawn_ids()``, and not by the insert."""
    needs_watermark = False
    """Whether ids become visible out of order, so that readers must ask what is settled."""

    @abstractmethod
    def before_insert(
        self, connection: BaseDatabaseWrapper, records: Sequence[AbstractStoredEvent]
    ) -> None:
        """
        Do what must be done before the records, which are of one model, get their ids.

        Called in the transaction that inserts them, as the last thing before it does.
        """

    def locks_first(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]
    ) -> bool:
        """Tell whether an insert comes after another statement, in a transaction with it."""
        del connection, model
        return self.draws_ids

    def drawn_ids(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent], count: int
    ) -> Sequence[int] | None:
        """
        Return ids for new events, as the last thing before they are inserted.

        ``None`` where the insert draws them. Called in the transaction that inserts the events.
        """
        del connection, model, count
        return None

    def locking(self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]) -> str:
        """Return the SELECT, without parameters, that an insert makes before it draws ids."""
        del connection, model
        return ""

    def exclude_writers(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]
    ) -> None:
        """
        Wait until all who have recorded events of the model have committed, and keep others out.

        That holds until the end of the caller's transaction, which has written something already
        and may go on to record events itself.
        """

    def install(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Add to the database what inserts from elsewhere need; called by a migration."""

    def uninstall(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Remove what ``install()`` has added."""

    def faults(
        self, connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]
    ) -> list[Problem]:
        """Return what makes readers pass events by; a table that is not there has no faults."""
        return []


def highest_id(records: Sequence[AbstractStoredEvent]) -> int | None:
    """Return the highest of the ids that are given; ``None`` if all are to be drawn."""
    return max((int(record.pk) for record in records if record.pk is not None), default=None)
