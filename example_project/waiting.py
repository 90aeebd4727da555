"""Waiting: the events that a follower has not come to yet, told beside what it has counted."""

from dataclasses import dataclass

from eventsourcing.application import Application
from eventsourcing.system import Follower

__all__ = ["Waiting", "count_waiting"]

MOST = 100


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How many events wait to be processed."""

    count: int
    is_more: bool = False
    """Whether there are more than were counted."""

    def __str__(self) -> str:
        if self.count == 1 and not self.is_more:
            return "1 event is waiting to be counted"
        over = "More than " if self.is_more else ""
        return f"{over}{self.count:,} events are waiting to be counted"


def count_waiting(follower: Follower, leader: Application) -> Waiting:
    """Count the events after the follower's position in the log of the leader, up to ``MOST``."""
    # Counted one by one: other applications may draw ids from the same sequence.
    found = leader.recorder.select_notifications(
        follower.recorder.max_tracking_id(leader.name), MOST + 1, inclusive_of_start=False
    )
    return Waiting(count=min(len(found), MOST), is_more=len(found) > MOST)
