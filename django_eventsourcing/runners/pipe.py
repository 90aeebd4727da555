"""Pipes: one follower's way through the log of one application that it follows."""

import time
from collections.abc import Callable

from django_eventsourcing.dead_letters.parking import Parking
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.recorders.tracking import DjangoTrackingRecorder, segment_run_by
from eventsourcing.application import Application, LocalNotificationLog, NotificationLog
from eventsourcing.persistence import Notification
from eventsourcing.system import Follower

__all__ = ["Pipe"]

# Batches end early after this many seconds. From the first event that a batch records to its
# commit, others of the same table wait: readers on PostgreSQL, writers elsewhere.
_LONGEST_BATCH = 0.05
# Seconds for which a position is known well enough to be told when the database cannot be asked.
_POSITION_AGE = 1.0
# Seconds after which a worker looks again whether the segments are those that it was started with.
# The claim of a position tells it in any case; it is for those that have nothing to claim.
_IN_FORCE_AGE = 5.0
# How many notifications are read at first: with each batch that was not ended early, it is twice
# as many, and after one that was, twice as many as that came to.
_FIRST_SIZE = 100
# How many times as much a segment reads at once as a follower that is not split, at most.
_MOST_BATCHES = 8


class Pipe:
    """Takes a follower through an upstream log, a batch at a time."""

    def __init__(
        self,
        leader: Application,
        follower: Follower,
        batch_size: int,
        is_stopping: Callable[[], bool],
        parking: Parking,
    ) -> None:
        self.leader = leader
        self.follower = follower
        self.parking = parking
        """Sets aside what cannot be processed, and what is behind it."""
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
        self._in_force_at = float("-inf")
        # Nobody waits for the commit of what records no events.
        self._longest = (
            follower.longest_batch if isinstance(follower, ModelProjection) else _LONGEST_BATCH
        )
        # Most of what a segment reads is passed over, which costs little.
        batches = min(segment_run_by(follower).count, _MOST_BATCHES)
        batch_size *= batches
        log = _log_of(leader, batch_size)
        self._most = min(batch_size, getattr(log, "section_size", batch_size))
        self._size = min(_FIRST_SIZE * batches, self._most)
        follower.follow(leader.name, log, leader.mapper)

    @property
    def rate(self) -> float:
        """Notifications a second, while there were any."""
        return self.processed / self.seconds if self.seconds else 0.0

    @property
    def is_single(self) -> bool:
        """Whether the next batch is of one notification, as after a failure."""
        return self._singles_left > 0 or self._most == 1

    def step(self) -> int:
        """Process the next batch; return how many notifications that were."""
        started = time.monotonic()
        if started - self._in_force_at > _IN_FORCE_AGE:
            self.require_in_force()
            self._in_force_at = started
        if started - self._seen_at > _POSITION_AGE:
            self.position()
        if self._first_position is None:
            self._first_position = self.seen_position or 0
        is_single, size = self.is_single, self._size
        try:
            count = self.follower.process_batch(
                self.leader.name,
                1 if is_single else size,
                is_interrupted=self._is_stopping,
                longest=self._longest,
                sets_aside=self.parking.begin(),
            )
        except BaseException:
            self.parking.forget()
            raise
        self.parking.succeeded()
        self._singles_left = max(0, self._singles_left - 1) if count else 0
        if count:
            self.processed += count
            seconds = time.monotonic() - started
            self.seconds += seconds
            if not is_single:
                self._adapt(count, is_cut=count < size and seconds > self._longest)
        return count

    def _adapt(self, count: int, *, is_cut: bool) -> None:
        """Read as many next time as are likely to be processed in time."""
        if is_cut or count == self._size:
            self._size = min(2 * count, self._most)

    @property
    def last_in_hand(self) -> int | None:
        """The id of the notification that the last step has come to, if it has come to any."""
        return self.parking.in_hand.id if self.parking.in_hand is not None else None

    def require_in_force(self) -> None:
        """Raise ``SegmentsNotInForceError`` if the positions are for other segments than this."""
        if isinstance(self.follower.recorder, DjangoTrackingRecorder):
            self.follower.recorder.require_in_force(self.leader.name)

    def is_being_swapped(self) -> bool:
        """Tell whether nobody is to process, as the follower's tables are being swapped."""
        recorder = self.follower.recorder
        return isinstance(recorder, DjangoTrackingRecorder) and recorder.is_being_swapped(
            self.leader.name
        )

    def forget(self) -> None:
        """Look anew, as others may have processed meanwhile."""
        self.parking.forget()
        self.follower.forget_positions()

    def go_singly(self) -> None:
        """Process one at a time for as long as the failed batch was, so that only one fails."""
        self._singles_left = self._size

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

    def has_next(self) -> bool:
        """Tell whether there is a notification to process, without processing it."""
        return self.next_notification() is not None

    def next_notification(self) -> Notification | None:
        """Return the notification that is next, if there is one."""
        found = self.follower.pull_notifications(self.leader.name, 1)
        return found[0] if found else None

    def describe(self, notification: Notification | None) -> str:
        """Describe a notification, or the log where it is not known, for messages."""
        if notification is None:
            return self.leader.name
        return f"{self.leader.name} {notification.id} ({notification.topic})"


def _log_of(leader: Application, size: int) -> NotificationLog:
    log = leader.notification_log
    if type(log) is LocalNotificationLog and log.section_size < size:
        # Sections are pages for people and remote readers; a follower reads by the batch.
        return LocalNotificationLog(leader.recorder, section_size=size)
    return log
