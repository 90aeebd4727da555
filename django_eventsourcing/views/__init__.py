"""Views: health and metrics, for what watches the system from outside."""

from django_eventsourcing.views.health import health, live
from django_eventsourcing.views.metrics import metrics

__all__ = ["health", "live", "metrics"]
