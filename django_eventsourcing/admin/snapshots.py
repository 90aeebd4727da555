"""Snapshots: states of aggregates that are kept so that few events need be read."""

from collections.abc import Sequence

from django.contrib import admin

from django_eventsourcing.admin.records import RecordAdmin
from django_eventsourcing.catalogue import EventClass, snapshot_classes
from django_eventsourcing.models import SnapshotRecord

__all__ = ["SnapshotAdmin"]


@admin.register(SnapshotRecord)
class SnapshotAdmin(RecordAdmin):
    """Shows the snapshots that the applications keep."""

    kind = "snapshot"

    def get_classes(self) -> Sequence[EventClass]:
        return snapshot_classes()
