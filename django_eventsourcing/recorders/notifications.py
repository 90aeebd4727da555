"""Notifications with what the records of their events say besides: metadata, and the time."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, TextField
from django.db.models.sql.compiler import SQLCompiler

from django_eventsourcing.metadata import Metadata
from eventsourcing.persistence import Notification

__all__ = ["DETAILS", "RecordedNotification"]


class _AsText(Expression):
    """A column of the table as text; ``Cast`` takes longer to compile, for each page."""

    def __init__(self, name: str) -> None:
        super().__init__(output_field=TextField())
        self._name = name

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[str | int, ...]]:
        quote = connection.ops.quote_name
        model: Any = compiler.query.model
        column = quote(str(model._meta.get_field(self._name).column))
        kind = "char" if connection.vendor == "mysql" else "text"
        return f"CAST({quote(str(model._meta.db_table))}.{column} AS {kind})", ()


class _AsTimeText(_AsText):
    """A column of times as text in the form of ISO 8601, whatever the session's DateStyle."""

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[str | int, ...]]:
        sql, params = self.as_sql(compiler, connection)
        column = sql.removeprefix("CAST(").removesuffix(" AS text)")
        return f"to_json({column})#>>'{{}}'", params


DETAILS = (_AsText("metadata"), _AsTimeText("recorded_at"))
"""
Metadata and time, as text: they are decoded for those who ask, and few do.

To decode the time of each costs more than all other columns together.
"""


@dataclass(frozen=True, eq=False)
class RecordedNotification(Notification):
    """
    A notification as it is read from a table of events.

    It equals the plain one of the same event.
    """

    stored_metadata: str
    """The metadata as JSON."""
    stored_time: str
    """When it was recorded, as the database says it."""
    alias: str
    """The database."""

    @property
    def metadata(self) -> Metadata:
        """What was recorded with the event; empty where that is no mapping."""
        if self.stored_metadata == "{}":
            return {}
        found = json.loads(self.stored_metadata)
        return found if isinstance(found, dict) else {}

    @property
    def recorded_at(self) -> datetime:
        """When the event was recorded; aware of its time zone where the project uses them."""
        time = datetime.fromisoformat(self.stored_time)
        zone = connections[self.alias].timezone
        if zone is None:
            return time.replace(tzinfo=None)
        return time if time.tzinfo else time.replace(tzinfo=zone)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Notification):
            return NotImplemented
        return _identity(self) == _identity(other)

    __hash__ = Notification.__hash__


def _identity(notification: Notification) -> tuple[object, ...]:
    return (
        notification.id,
        notification.originator_id,
        notification.originator_version,
        notification.topic,
        notification.state,
    )
