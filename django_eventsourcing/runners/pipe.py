"""Pipes: one follower's way through the log of one application that it follows."""

import time
from collections.abc import Callable

from eventsourcing.application import Application, LocalNotificationLog, NotificationLog
from eventsourcing.system import Follower

__all__ = ["Pipe"]

# Batches end early after this many seconds. From the first event that a batch records to its
# commit, all writers of the same table wait.
_LONGEST_BATCH = 0.05
# Seconds for which a position is known well enough to be told when the database cannot be asked.
_POSITION_AGE = 1.0


class Pipe:
    """Takes a follower through an upstream log, a batch at a time."""

    def __init__(
        self,
        leader: Application,
        follower: Follower,
        batch_size: int,
        is_stopping: Callable[[], bool],
    ) -> None:
        self.leader = leader
        self.follower = follower
        self.processed = 0
        self.seconds = 0.0
        """The time spent with batches that were not empty."""
        self.seen_position: int | None = None
        """The position when it was last looked up, at most about a second before the last step."""
        self.seen_head: int | None = None
        """The head when it was last looked up."""
        self._seen_at = float("-inf")
        self._is_stopping = is_stopping
        self._singles_left = 0
        self._first_position: int | None = None
        log = _log_of(leader, batch_size)
        self._batch_size = min(batch_size, getattr(log, "section_size", batch_size))
        follower.follow(leader.name, log, leader.mapper)

    @property
    def rate(self) -> float:
        """Notifications a second, while there were any."""
        return self.processed / self.seconds if self.seconds else 0.0

    @property
    def is_single(self) -> bool:
        """Whether the next batch is of one notification, as after a failure."""
        return self._singles_left > 0 or self._batch_size == 1

    def step(self) -> int:
        """Process the next batch; return how many notifications that were."""
        started = time.monotonic()
        if started - self._seen_at > _POSITION_AGE:
            self.position()
        if self._first_position is None:
            self._first_position = self.seen_position or 0
        count = self.follower.process_batch(
            self.leader.name,
            1 if self.is_single else self._batch_size,
            is_interrupted=self._is_stopping,
            longest=_LONGEST_BATCH,
        )
        self._singles_left = max(0, self._singles_left - 1) if count else 0
        if count:
            self.processed += count
            self.seconds += time.monotonic() - started
        return count

    def go_singly(self) -> None:
        """Process one at a time for as long as the failed batch was, so that only one fails."""
        self._singles_left = self._batch_size

    def position(self) -> int | None:
        """Return the id of the last notification processed, by any worker."""
        self.seen_position = self.follower.recorder.max_tracking_id(self.leader.name)
        self._seen_at = time.monotonic()
        return self.seen_position

    def has_moved(self) -> bool:
        """Look the position up; tell whether it is another than when it was last looked up."""
        before = self.seen_position
        return self.position() != before

    def head(self) -> int | None:
        """Return the id of the last notification in the upstream log."""
        self.seen_head = self.leader.recorder.max_notification_id()
        return self.seen_head

    def behind(self) -> int:
        """
        Estimate how many notifications are left.

        Applications that share a table share its ids: the share that was this upstream's so far
        is taken for that of the rest.
        """
        position, head = self.position() or 0, self.head() or 0
        moved = position - (self._first_position or 0)
        share = min(1.0, self.processed / moved) if moved > 0 else 1.0
        return round(max(0, head - position) * share)

    def next_notification(self) -> str:
        """Describe the notification that is next, for messages."""
        found = self.follower.pull_notifications(self.leader.name, 1)
        if not found:
            return f"{self.leader.name}"
        return f"{self.leader.name} {found[0].id} ({found[0].topic})"


def _log_of(leader: Application, size: int) -> NotificationLog:
    log = leader.notification_log
    if type(log) is LocalNotificationLog and log.section_size < size:
        # Sections are pages for people and remote readers; a follower reads by the batch.
        return LocalNotificationLog(leader.recorder, section_size=size)
    return log
