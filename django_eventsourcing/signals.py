"""
Signals: what a project may want to hear of; errors of receivers are logged, and change nothing.

The sender of each is the class of the application, or of the runner; ``None`` for an application
of no configured system. Receivers are called in the threads that do the work, which wait for them.
``logging_receivers`` turns what is worth it into lines of the log.
"""

from django.dispatch import Signal

__all__ = [
    "events_recorded",
    "follower_failed",
    "follower_paused",
    "follower_reset",
    "follower_resumed",
    "follower_stopped",
    "lease_acquired",
    "lease_lost",
    "notification_parked",
    "worker_started",
    "worker_stopped",
]

events_recorded = Signal()
"""
An application has recorded events, and they are committed.

Arguments: ``application_name``, and ``notification_ids``, in their order.
"""
follower_failed = Signal()
"""
A follower's policy has failed on a notification, and is tried again, or is not.

Arguments: ``follower``, ``upstream``, ``notification_id``, ``error`` (the exception), ``attempt``
(1 for the first try), and ``retry_in``: the seconds until the next try, ``None`` if there is none.
"""
follower_stopped = Signal()
"""
A follower has ended, in this process.

Arguments: ``follower``, ``state`` (a value of ``runners.State``) and ``reason``.
"""
notification_parked = Signal()
"""
A notification has been set aside as a dead letter, or skipped on record.

Arguments: ``follower``, ``upstream``, ``notification_id``, ``status`` (a value of
``DeadLetterRecord.Status``), ``is_behind`` (whether it waits for an earlier one of its aggregate)
and ``error``: its text, in one line.
"""
follower_paused = Signal()
"""
A follower has been told to pause.

Arguments: ``follower`` and ``reason``.
"""
follower_resumed = Signal()
"""
A follower has been told to go on.

Arguments: ``follower``.
"""
follower_reset = Signal()
"""
A follower has been set to another position of a log, which is committed.

Arguments: ``follower``, ``upstream``, ``before`` (the position until then: of a follower that is
split, the least of its segments'), ``to`` and ``reason``.
"""
lease_acquired = Signal()
"""
This process has taken a follower.

Arguments: ``follower`` and ``worker_id``: the id of the worker's record.
"""
lease_lost = Signal()
"""
This process has lost a follower: another worker has it, or the lease has ended.

Arguments: ``follower``, ``worker_id`` (the id of the record of the worker that has lost it) and
``owner``: the id of the one that has it now, ``None`` if nobody has.
"""
worker_started = Signal()
"""
A process has begun to run followers.

Arguments: ``worker`` (its name), ``system`` (the alias) and ``followers``: their names.
"""
worker_stopped = Signal()
"""
A process has ended to run followers.

Arguments: ``worker`` (its name) and ``system`` (the alias).
"""
