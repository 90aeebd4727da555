"""Recorders: stored events, snapshots and positions, kept in Django's databases."""

from django_eventsourcing.recorders.aggregate import DjangoAggregateRecorder
from django_eventsourcing.recorders.application import DjangoApplicationRecorder
from django_eventsourcing.recorders.process import DjangoProcessRecorder
from django_eventsourcing.recorders.tracking import DjangoTrackingRecorder

__all__ = [
    "DjangoAggregateRecorder",
    "DjangoApplicationRecorder",
    "DjangoProcessRecorder",
    "DjangoTrackingRecorder",
]
