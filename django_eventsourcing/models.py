"""
Models: stored events, snapshots, and the positions of followers; and what operating needs.

Derive from the abstract models to give an application tables of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import connections, models, router, transaction
from django.db.models.base import ModelBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_eventsourcing.fields import ExactCharField, UTCDateTimeField
from django_eventsourcing.monitored_system import MonitoredSystem
from django_eventsourcing.operating_models import (
    DeadLetterRecord,
    FollowerRecord,
    FollowerStatistic,
    ProjectionRecord,
    RebuildRequest,
    WorkerRecord,
)
from django_eventsourcing.ordering import get_commit_order
from django_eventsourcing.querysets import RecordQuerySet, StoredEventQuerySet, TrackingQuerySet

__all__ = [
    "AbstractRecord",
    "AbstractSnapshot",
    "AbstractStoredEvent",
    "AbstractTracking",
    "DeadLetterRecord",
    "FollowerRecord",
    "FollowerStatistic",
    "MonitoredSystem",
    "NotificationCounter",
    "ProjectionRecord",
    "RebuildRequest",
    "SnapshotRecord",
    "StoredEventRecord",
    "TrackingRecord",
    "WorkerRecord",
]


class AbstractRecord(models.Model):
    """What events and snapshots have in common: whose they are, at which version, and what."""

    id = models.BigAutoField(primary_key=True)
    application_name = ExactCharField(max_length=255)
    originator_id = models.UUIDField()
    originator_version = models.BigIntegerField()
    topic = ExactCharField(max_length=1024)
    state = models.BinaryField()

    class Meta:
        abstract = True
        # Events are recorded through applications, never edited: looking is all there is.
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["application_name", "originator_id", "originator_version"],
                name="%(app_label)s_%(class)s_version",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application_name} {self.originator_id} version {self.originator_version}"


class AbstractStoredEvent(AbstractRecord):
    """An event of an aggregate; its id is its position in the notification log."""

    metadata = models.JSONField(default=dict, blank=True)
    """Correlation, causation, user, and keys of the project's own."""
    recorded_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[Any]] = StoredEventQuerySet.as_manager()

    class Meta(AbstractRecord.Meta):
        abstract = True
        indexes = [models.Index(fields=["application_name", "id"])]

    def save(
        self,
        *,
        force_insert: bool | tuple[ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Save the event; a new one when its turn in the order of commits has come."""
        using = using or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using, savepoint=False):
            if self._state.adding:
                connection = connections[using]
                get_commit_order(connection).before_insert(connection, [self])
            super().save(
                force_insert=force_insert,
                force_update=force_update,
                using=using,
                update_fields=update_fields,
            )


class AbstractSnapshot(AbstractRecord):
    """The state of an aggregate at a version, so that it need not be rebuilt from the start."""

    objects: ClassVar[models.Manager[Any]] = RecordQuerySet.as_manager()

    class Meta(AbstractRecord.Meta):
        abstract = True


class AbstractTracking(models.Model):
    """How far a follower has processed the notifications of an upstream application."""

    id = models.BigAutoField(primary_key=True)
    application_name = ExactCharField(max_length=255)
    """The follower's name."""
    upstream_name = ExactCharField(max_length=255)
    notification_id = models.BigIntegerField()
    """The last notification processed; 0 before the first."""
    updated_at = UTCDateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[Any]] = TrackingQuerySet.as_manager()

    class Meta:
        abstract = True
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["application_name", "upstream_name"],
                name="%(app_label)s_%(class)s_upstream",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application_name} at {self.notification_id} of {self.upstream_name}"


class StoredEventRecord(AbstractStoredEvent):
    """An event of any application that has no table of its own."""

    class Meta(AbstractStoredEvent.Meta):
        verbose_name = _("stored event")
        verbose_name_plural = _("stored events")


class SnapshotRecord(AbstractSnapshot):
    """A snapshot of any application that has no table of its own."""

    class Meta(AbstractSnapshot.Meta):
        verbose_name = _("snapshot")
        verbose_name_plural = _("snapshots")


class TrackingRecord(AbstractTracking):
    """A position of any follower that has no table of its own."""

    class Meta(AbstractTracking.Meta):
        verbose_name = _("tracking position")
        verbose_name_plural = _("tracking positions")


class NotificationCounter(models.Model):
    """The last id drawn for an event table, on databases whose own ids are not in order."""

    event_table = ExactCharField(max_length=64, primary_key=True)
    last_id = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        verbose_name = _("notification counter")
        verbose_name_plural = _("notification counters")

    def __str__(self) -> str:
        return f"{self.event_table} at {self.last_id}"
