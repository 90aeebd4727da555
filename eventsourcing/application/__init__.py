"""Applications: aggregates behind a business's own words, with a log of what has happened."""

from typing import TYPE_CHECKING

from eventsourcing.application.application import Application
from eventsourcing.application.cache import Cache, LRUCache
from eventsourcing.application.errors import AggregateNotFoundError, ProgrammingError
from eventsourcing.application.processing import ProcessingEvent
from eventsourcing.application.repository import ProjectorFunction, Repository, project_aggregate
from eventsourcing.late_names import late_names

if TYPE_CHECKING:
    from eventsourcing.application.async_methods import AsyncMethods, AsyncRepository
    from eventsourcing.application.event_sourced_log import EventSourcedLog
    from eventsourcing.application.notification_log import (
        LocalNotificationLog,
        NotificationLog,
        Section,
    )
    from eventsourcing.persistence import Recording

    AggregateNotFound = AggregateNotFoundError
else:
    __getattr__, __dir__ = late_names(
        __name__,
        {
            "eventsourcing.application.async_methods": ["AsyncMethods", "AsyncRepository"],
            "eventsourcing.application.event_sourced_log": ["EventSourcedLog"],
            "eventsourcing.application.notification_log": [
                "LocalNotificationLog",
                "NotificationLog",
                "Section",
            ],
            "eventsourcing.persistence": ["Recording"],
        },
        earlier={"AggregateNotFound": AggregateNotFoundError},
    )

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
