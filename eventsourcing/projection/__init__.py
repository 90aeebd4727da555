"""Projections: views, and applications, that follow from another application's events."""

from typing import TYPE_CHECKING

from eventsourcing.late_names import late_names
from eventsourcing.projection.event_sourced import EventSourcedProjection

if TYPE_CHECKING:
    from eventsourcing.projection.projection import Projection
    from eventsourcing.projection.runner import EventSourcedProjectionRunner, ProjectionRunner
    from eventsourcing.projection.subscription import ApplicationSubscription
else:
    __getattr__, __dir__ = late_names(
        __name__,
        {
            "eventsourcing.projection.projection": ["Projection"],
            "eventsourcing.projection.runner": ["EventSourcedProjectionRunner", "ProjectionRunner"],
            "eventsourcing.projection.subscription": ["ApplicationSubscription"],
        },
    )

__all__ = [
    "ApplicationSubscription",
    "EventSourcedProjection",
    "EventSourcedProjectionRunner",
    "Projection",
    "ProjectionRunner",
]
