"""Reading another application's notification log, in order and to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventsourcing.application import NotificationLog
    from eventsourcing.persistence import Notification

__all__ = ["NotificationLogReader"]


class NotificationLogReader:
    """Reads the notifications of a log, a section at a time."""

    def __init__(self, notification_log: NotificationLog, section_size: int = 10) -> None:
        self.notification_log = notification_log
        self.section_size = section_size

    def read(self, *, start: int = 1) -> Iterator[Notification]:
        """Yield the notifications from ``start`` on, by following the links of the sections."""
        section_id: str | None = f"{start},{start + self.section_size - 1}"
        while section_id is not None:
            section = self.notification_log[section_id]
            yield from section.items
            section_id = section.next_id

    def select(
        self,
        *,
        start: int | None = None,
        stop: int | None = None,
        topics: Sequence[str] = (),
        inclusive_of_start: bool = True,
    ) -> Iterator[Sequence[Notification]]:
        """Yield lists of at most a section's size, until there are no more notifications."""
        while True:
            notifications = self.notification_log.select(
                start, self.section_size, stop, topics, inclusive_of_start=inclusive_of_start
            )
            # A list that is not full is no end: large notifications come in shorter ones.
            if not notifications:
                return
            yield notifications
            start = notifications[-1].id
            inclusive_of_start = False
