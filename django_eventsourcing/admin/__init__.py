"""The admin: stored events, notification logs, positions and snapshots, all for reading only."""

from django_eventsourcing.admin.events import StoredEventAdmin
from django_eventsourcing.admin.snapshots import SnapshotAdmin
from django_eventsourcing.admin.tracking import TrackingAdmin

__all__ = ["SnapshotAdmin", "StoredEventAdmin", "TrackingAdmin"]
