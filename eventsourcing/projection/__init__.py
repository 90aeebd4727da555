"""Projections: views, and applications, that follow from another application's events."""

from eventsourcing.projection.event_sourced import EventSourcedProjection
from eventsourcing.projection.projection import Projection
from eventsourcing.projection.runner import EventSourcedProjectionRunner, ProjectionRunner
from eventsourcing.projection.subscription import ApplicationSubscription

__all__ = [
    "ApplicationSubscription",
    "EventSourcedProjection",
    "EventSourcedProjectionRunner",
    "Projection",
    "ProjectionRunner",
]
