"""The recorder of positions: one row for each upstream application, moving forward only."""

from __future__ import annotations

from typing import Any, cast

from django.db import connections, transaction
from django.utils import timezone

from django_eventsourcing.models import AbstractTracking, TrackingRecord
from django_eventsourcing.querysets import TrackingQuerySet
from django_eventsourcing.recorders.base import DjangoRecorder
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.recorders.values import checked_text
from eventsourcing.persistence.errors import AlreadyProcessedError
from eventsourcing.persistence.recorders import TrackingRecorder
from eventsourcing.persistence.records import Tracking

__all__ = ["DjangoTrackingRecorder"]


class DjangoTrackingRecorder(DjangoRecorder, TrackingRecorder):
    """Keeps one follower's positions."""

    def __init__(
        self,
        application_name: str,
        *,
        alias: str = "default",
        tracking_model: type[AbstractTracking] = TrackingRecord,
    ) -> None:
        self.application_name = checked_text(tracking_model, "application_name", application_name)
        self.alias = alias
        self.tracking_model = tracking_model

    def insert_tracking(self, tracking: Tracking) -> None:
        """Move the position forward, or raise ``IntegrityError`` if it has got there already."""
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            self._insert_tracking(tracking)
        self.on_commit(self.announcer.announce)

    def max_tracking_id(self, application_name: str) -> int | None:
        """Return the position in the named upstream application, or ``None`` before the first."""
        with database_errors(self.alias):
            position = self._position(application_name).values_list("notification_id", flat=True)
            return position.first() or None

    @property
    def positions(self) -> TrackingQuerySet[AbstractTracking]:
        """All positions of the table, in the recorder's database."""
        manager: Any = self.tracking_model._default_manager
        return cast("TrackingQuerySet[AbstractTracking]", manager.using(self.alias))

    def _position(self, upstream_name: str) -> TrackingQuerySet[AbstractTracking]:
        return self.positions.of(self.application_name).upstream(upstream_name)

    def _insert_tracking(self, tracking: Tracking) -> None:
        """Move the position; called in the transaction, for subclasses to add what is theirs."""
        self._update_position(tracking, notification_id=tracking.notification_id)

    def _claim(self, tracking: Tracking, after: int | None) -> None:
        """
        Lock the position until the end of the transaction, unless it is another than ``after``.

        The update is the transaction's first statement: SQLite then waits for its turn to write,
        which it would refuse to do after a read.
        """
        self._update_position(tracking, after)

    def _update_position(self, tracking: Tracking, after: int | None = None, **values: Any) -> None:
        position = self._position(tracking.application_name)
        movable = position.before(tracking.notification_id)
        if after is not None:
            movable = movable.filter(notification_id=after)
        values["updated_at"] = timezone.now()
        if movable.update(**values):
            return
        # There is no row yet, or it is elsewhere.
        self._create_position(tracking.application_name)
        if not movable.update(**values):
            found = position.values_list("notification_id", flat=True).first() or 0
            is_processed = found >= tracking.notification_id
            raise AlreadyProcessedError(
                f"{self.application_name}: notification {tracking.notification_id} of "
                f"{tracking.application_name} "
                f"{'has been processed already' if is_processed else 'is not the next one'}: "
                f"the position is {found}."
            )

    def _create_position(self, upstream_name: str) -> None:
        """Create the row unless it is there; whoever else is creating it is waited for."""
        row = self.tracking_model(
            application_name=self.application_name,
            upstream_name=checked_text(self.tracking_model, "upstream_name", upstream_name),
            notification_id=0,
        )
        features = connections[self.alias].features
        target = ["application_name", "upstream_name"]
        # An upsert that leaves the position alone locks the row; on MySQL, an insert that ignores
        # conflicts would share the lock with the others that wait, and end in a deadlock.
        self.positions.bulk_create(
            [row],
            update_conflicts=True,
            update_fields=["updated_at"],
            unique_fields=target if features.supports_update_conflicts_with_target else None,
        )
