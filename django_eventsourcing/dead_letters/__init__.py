"""Dead letters: notifications that followers have set aside, and what becomes of them."""

from django_eventsourcing.dead_letters.discarding import discard, skip
from django_eventsourcing.dead_letters.dry_run import DryRun, NewEvent, RowChanges, dry_run
from django_eventsourcing.dead_letters.errors import (
    DeadLetterError,
    NotFirstError,
    NotNextError,
    NotParkedError,
)
from django_eventsourcing.dead_letters.letters import (
    count_parked,
    next_notification,
    parked,
    stopped_at,
)
from django_eventsourcing.dead_letters.parking import Parking
from django_eventsourcing.dead_letters.retrying import Retried, retry

__all__ = [
    "DeadLetterError",
    "DryRun",
    "NewEvent",
    "NotFirstError",
    "NotNextError",
    "NotParkedError",
    "Parking",
    "Retried",
    "RowChanges",
    "count_parked",
    "discard",
    "dry_run",
    "next_notification",
    "parked",
    "retry",
    "skip",
    "stopped_at",
]
