"""Read models: Django models that follow from the events of applications."""

from django_eventsourcing.projections.model_projection import ModelProjection
from django_eventsourcing.projections.projected import ProjectedEvent

__all__ = ["ModelProjection", "ProjectedEvent"]
