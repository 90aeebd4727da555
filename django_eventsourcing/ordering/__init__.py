"""
Commit order: what each database is given so that a reader never passes an event by.

A follower remembers nothing but the last id that it has seen. That loses no event only if it
never goes past an id that may still become visible. Ids are not drawn in the order of commits by
themselves: a transaction that drew 7 may commit after one that drew 8, and a follower that has
read 8 by then would never look at 7. Each module here closes that gap for one kind of database:

``advisory_lock``
    PostgreSQL. Writers share a lock, and wait for nobody. Readers tell by the lock which ids may
    still come, and stop in front of them: see ``django_eventsourcing.watermark``.

``counter_row``
    MySQL and MariaDB. Writers follow each other, so that ids become visible in order.

``single_writer``
    SQLite, which has one writer at a time by itself.
"""

from django_eventsourcing.ordering.advisory_lock import AdvisoryLock
from django_eventsourcing.ordering.base import CommitOrder
from django_eventsourcing.ordering.counter_row import CounterRow
from django_eventsourcing.ordering.errors import GivenIdsDeadlockError
from django_eventsourcing.ordering.single_writer import SingleWriter
from django_eventsourcing.ordering.vendors import get_commit_order

__all__ = [
    "AdvisoryLock",
    "CommitOrder",
    "CounterRow",
    "GivenIdsDeadlockError",
    "SingleWriter",
    "get_commit_order",
]
