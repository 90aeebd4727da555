"""Reading one's own writes: waiting, for a while, until a follower has processed them."""

from django_eventsourcing.reading_own_writes.decorator import reads_own_writes
from django_eventsourcing.reading_own_writes.errors import NotCommittedError
from django_eventsourcing.reading_own_writes.middleware import ReadYourWritesMiddleware
from django_eventsourcing.reading_own_writes.waiting import await_for, wait_for
from django_eventsourcing.remembering import Writes, remember_writes

__all__ = [
    "NotCommittedError",
    "ReadYourWritesMiddleware",
    "Writes",
    "await_for",
    "reads_own_writes",
    "remember_writes",
    "wait_for",
]
