"""The admin: systems to be operated; events, logs, positions and snapshots for reading only."""

from django_eventsourcing.admin.buttons import EventsButtonMixin
from django_eventsourcing.admin.dead_letters import DeadLetterAdmin
from django_eventsourcing.admin.events import StoredEventAdmin
from django_eventsourcing.admin.snapshots import SnapshotAdmin
from django_eventsourcing.admin.systems import MonitoredSystemAdmin
from django_eventsourcing.admin.tracking import TrackingAdmin

__all__ = [
    "DeadLetterAdmin",
    "EventsButtonMixin",
    "MonitoredSystemAdmin",
    "SnapshotAdmin",
    "StoredEventAdmin",
    "TrackingAdmin",
]
