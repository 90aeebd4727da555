"""Status: how the followers of a system are doing, in numbers and in words."""

from django_eventsourcing.status.health import Finding, Severity, health, worst
from django_eventsourcing.status.look import system_status
from django_eventsourcing.status.values import (
    FollowerStatus,
    HolderStatus,
    PipeStatus,
    SystemStatus,
    Verdict,
    WorkerStatus,
)

__all__ = [
    "Finding",
    "FollowerStatus",
    "HolderStatus",
    "PipeStatus",
    "Severity",
    "SystemStatus",
    "Verdict",
    "WorkerStatus",
    "health",
    "system_status",
    "worst",
]
