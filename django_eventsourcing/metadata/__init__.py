"""Metadata: who and what led to an event, recorded beside it."""

from django_eventsourcing.metadata.errors import MetadataError, MetadataSizeError
from django_eventsourcing.metadata.references import EventReference
from django_eventsourcing.metadata.scopes import (
    Handling,
    ProcessedEvent,
    current_metadata,
    event_metadata,
    metadata_to_record,
    processed_event,
)
from django_eventsourcing.metadata.values import MAX_DEPTH, MAX_SIZE, Json, Metadata

__all__ = [
    "MAX_DEPTH",
    "MAX_SIZE",
    "EventReference",
    "Handling",
    "Json",
    "Metadata",
    "MetadataError",
    "MetadataSizeError",
    "ProcessedEvent",
    "current_metadata",
    "event_metadata",
    "metadata_to_record",
    "processed_event",
]
