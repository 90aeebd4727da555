"""Applications: aggregates behind a business's own words, with a log of what has happened."""

from eventsourcing.application.application import Application
from eventsourcing.application.async_methods import AsyncMethods, AsyncRepository
from eventsourcing.application.cache import Cache, LRUCache
from eventsourcing.application.errors import AggregateNotFoundError, ProgrammingError
from eventsourcing.application.event_sourced_log import EventSourcedLog
from eventsourcing.application.notification_log import (
    LocalNotificationLog,
    NotificationLog,
    Section,
)
from eventsourcing.application.processing import ProcessingEvent
from eventsourcing.application.repository import ProjectorFunction, Repository, project_aggregate
from eventsourcing.deprecation import deprecated_names
from eventsourcing.persistence import Recording

__all__ = [
    "AggregateNotFoundError",
    "Application",
    "AsyncMethods",
    "AsyncRepository",
    "Cache",
    "EventSourcedLog",
    "LRUCache",
    "LocalNotificationLog",
    "NotificationLog",
    "ProcessingEvent",
    "ProgrammingError",
    "ProjectorFunction",
    "Recording",
    "Repository",
    "Section",
    "project_aggregate",
]

__getattr__ = deprecated_names(__name__, {"AggregateNotFound": AggregateNotFoundError})
