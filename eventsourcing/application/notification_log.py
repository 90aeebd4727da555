"""The notification log: an application's events in one order, in pages that link to the next."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from eventsourcing.persistence import ApplicationRecorder, Notification, Recorder

__all__ = ["LocalNotificationLog", "NotificationLog", "Section"]


@dataclass(frozen=True)
class Section:
    """A page of a notification log."""

    id: str | None
    """The ids of the first and the last item, as ``"1,10"``; ``None`` if there are no items."""
    items: Sequence[Notification]
    """The notifications in the order of their ids."""
    next_id: str | None
    """The id by which the next page is asked for; ``None`` unless this one is full."""


class NotificationLog(ABC):
    """Presents an application's notifications in order, to be read by followers."""

    @abstractmethod
    def __getitem__(self, section_id: str) -> Section:
        """Return the section that begins and ends at the ids given as ``"first,last"``."""

    @abstractmethod
    def select(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return at most ``limit`` notifications; see ``ApplicationRecorder``."""

    def max_notification_id(self) -> int | None:
        """Return the id of the last notification; ``None`` if there is none, or none is known."""
        return None

    def settled_notification_id(self, after: int | None = None) -> int | None:
        """Return an id below which none appears any more; see ``ApplicationRecorder``."""
        del after
        return None

    def require_committed(self, follower: str, recorder: Recorder) -> None:
        """Raise an error where the follower must not process now; see ``ApplicationRecorder``."""
        del follower, recorder


class LocalNotificationLog(NotificationLog):
    """The notification log of an application in this process."""

    def __init__(self, recorder: ApplicationRecorder, section_size: int = 10) -> None:
        self.recorder = recorder
        self.section_size = section_size

    def __getitem__(self, section_id: str) -> Section:
        first, last = _parse_section_id(section_id)
        first = max(first, 1)
        limit = max(min(last - first + 1, self.section_size), 0)
        items = self.select(first, limit) if limit else []
        if not items:
            return Section(id=None, items=[], next_id=None)
        last_id = items[-1].id
        return Section(
            id=f"{items[0].id},{last_id}",
            items=items,
            next_id=(
                f"{last_id + 1},{last_id + limit}" if self.recorder.is_full(items, limit) else None
            ),
        )

    def select(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        if limit > self.section_size:
            raise ValueError(
                f"limit is {limit}, more than the section size of {self.section_size}. "
                f"Ask for less, or raise log_section_size on the application."
            )
        return self.recorder.select_notifications(
            start, limit, stop, topics, inclusive_of_start=inclusive_of_start
        )

    def max_notification_id(self) -> int | None:
        return self.recorder.max_notification_id()

    def settled_notification_id(self, after: int | None = None) -> int | None:
        return self.recorder.settled_notification_id(after)

    def require_committed(self, follower: str, recorder: Recorder) -> None:
        self.recorder.require_committed(follower, recorder)


def _parse_section_id(section_id: str) -> tuple[int, int]:
    try:
        first, last = section_id.split(",")
        return int(first), int(last)
    except ValueError:
        raise ValueError(
            f"{section_id!r} is not a section id. Give two notification ids, such as '1,10'."
        ) from None
