"""The recorder of an application: its events, in the order of their commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django_eventsourcing.models import AbstractStoredEvent, StoredEventRecord
from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.recorders.aggregate import DjangoAggregateRecorder
from django_eventsourcing.recorders.errors import database_errors
from eventsourcing.persistence.recorders import ApplicationRecorder
from eventsourcing.persistence.records import Notification, StoredEvent

__all__ = ["DjangoApplicationRecorder"]


class DjangoApplicationRecorder(DjangoAggregateRecorder, ApplicationRecorder):
    """Keeps one application's events; the ids of the records are those of the notifications."""

    def __init__(
        self,
        application_name: str,
        *,
        alias: str = "default",
        model: type[AbstractStoredEvent] = StoredEventRecord,
    ) -> None:
        super().__init__(application_name, alias=alias, model=model)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Write all the events, or none of them; return their ids."""
        ids = super().insert_events(stored_events, **kwargs)
        self.on_commit(self.announcer.announce)
        return ids

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return at most ``limit`` notifications in the order of their ids."""
        events = self.log.of(self.application_name).with_topics(topics).order_by("id")
        if start is not None:
            events = events.starting_at(start) if inclusive_of_start else events.after(start)
        if stop is not None:
            events = events.until(stop)
        rows = events.values_list("id", "originator_id", "originator_version", "topic", "state")
        with database_errors(self.alias):
            return [
                Notification(
                    id=id_,
                    originator_id=originator_id,
                    originator_version=version,
                    topic=topic,
                    state=bytes(state),
                )
                for id_, originator_id, version, topic, state in rows[:limit]
            ]

    def max_notification_id(self) -> int | None:
        """Return the id of the last notification, or ``None`` if there is none."""
        with database_errors(self.alias):
            return self.log.of(self.application_name).last_position()

    @property
    def log(self) -> StoredEventQuerySet[AbstractStoredEvent]:
        """All events of the table, in the recorder's database."""
        manager: Any = self.model._default_manager
        return cast("StoredEventQuerySet[AbstractStoredEvent]", manager.using(self.alias))

    def _insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        return [record.id for record in self._insert_records(stored_events)]
