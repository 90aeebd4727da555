"""Followers: applications that process the events of other applications, each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from eventsourcing.environment import Environment, EnvType
from eventsourcing.persistence import AlreadyProcessedError, ApplicationRecorder
from eventsourcing.projection import EventSourcedProjection
from eventsourcing.system.reader import NotificationLogReader

if TYPE_CHECKING:
    from eventsourcing.application import NotificationLog
    from eventsourcing.persistence import Mapper, Notification, Tracking

__all__ = ["Follower"]


class Follower(EventSourcedProjection):
    """An application that processes the events of the applications which it follows."""

    pull_section_size: ClassVar[int] = 10
    """The number of notifications read, and processed in one transaction, at a time."""

    def __init__(self, env: EnvType | None = None) -> None:
        from eventsourcing.persistence.records import Tracking

        super().__init__(env)
        # Once, and not for each event.
        self._tracking_class = Tracking
        self.readers: dict[str, NotificationLogReader] = {}
        self.mappers: dict[str, Mapper] = {}
        # Where it has come to by itself, since it last looked.
        self._positions: dict[str, int] = {}

    def follow(self, name: str, log: NotificationLog, mapper: Mapper | None = None) -> None:
        """
        Process the events of the named application, which are read from its log.

        ``mapper`` is the upstream application's own, where that is at hand; otherwise one is made
        from this application's transcoder and the settings under the upstream's name.
        """
        self.readers[name] = NotificationLogReader(log, section_size=self.pull_section_size)
        self.mappers[name] = mapper or self._mapper_for(name)

    def pull_and_process(
        self, leader_name: str, start: int | None = None, stop: int | None = None
    ) -> None:
        """
        Process the upstream's notifications until there are no more.

        It begins after the recorded position, or after ``start`` if that is further, and ends
        with ``stop``. Raise what a policy raises; the notifications before it remain processed.
        """
        while self.process_some(leader_name, start=start, stop=stop):
            pass

    def process_some(
        self, leader_name: str, *, start: int | None = None, stop: int | None = None
    ) -> bool:
        """Process the next few notifications; return whether there may be more."""
        mark = self._mark(leader_name)
        count = self.process_next(leader_name, start=start, stop=stop)
        # A section that is not full was the last, unless the log has grown meanwhile.
        is_last = count < self.pull_section_size and mark is not None
        return count > 0 and not (is_last and mark == self._mark(leader_name))

    def process_next(
        self,
        leader_name: str,
        limit: int | None = None,
        *,
        start: int | None = None,
        stop: int | None = None,
    ) -> int:
        """
        Process the next few notifications; return how many there were.

        If that fails, they are processed one at a time, so that only those from the failing one
        on remain unprocessed.
        """
        refused_at: int | None = None
        while True:
            try:
                return self.process_batch(leader_name, limit, start=start, stop=stop)
            except AlreadyProcessedError:
                # Another worker has moved the position: there may be more after that. Where it is
                # still the same after the next refusal, it is the policy that raises this.
                position = self.recorder.max_tracking_id(leader_name) or 0
                if position != refused_at:
                    refused_at = position
                    continue
                if limit == 1:
                    raise
                break
            except Exception:
                if limit == 1:
                    raise
                break
        count = 0
        while count < (limit or self.pull_section_size) and self.process_next(
            leader_name, 1, start=start, stop=stop
        ):
            count += 1
        return count

    def process_batch(
        self,
        leader_name: str,
        limit: int | None = None,
        *,
        start: int | None = None,
        stop: int | None = None,
        is_interrupted: Callable[[], bool] = lambda: False,
        longest: float | None = None,
        sets_aside: Callable[[Notification], bool] = lambda _: False,
    ) -> int:
        """
        Process the next few notifications in one unit of work; return how many there were.

        Where the recorder has transactions, all of them are processed or none. The unit ends
        early, and well, after a notification when ``is_interrupted()`` says so, or when it has
        lasted ``longest`` seconds since its claim. A notification that ``sets_aside()``, called
        within the unit, says yes to is neither read nor processed; the position moves past it.
        """
        log = self.readers[leader_name].notification_log
        log.require_committed(self.name, self.recorder)
        with self.processing_turn():
            # Where it has come to itself, it need not look. If that is no longer so, the claim is
            # refused, or else nothing is found.
            known = self._positions.pop(leader_name, None)
            position = self._position(leader_name) if known is None else known
            while True:
                # The head is read first: whatever is below it is seen by the reading that follows.
                head = self._head(leader_name, position) if self.topics and stop is None else None
                first = position if start is None else max(start, position)
                notifications = self.pull_notifications(leader_name, limit, start=first, stop=stop)
                if notifications or known is None:
                    break
                known, position = None, self._position(leader_name)
                if position == first:
                    break
            if not notifications:
                if head is None:
                    self._positions[leader_name] = position
                else:
                    self.recorder.pass_over(self._tracking_class(leader_name, head))
                return 0
            claimed = self._tracking_class(leader_name, notifications[0].id)
            last = notifications[-1].id
            with self.recorder.processing(claimed, after=position, last=last):
                started = monotonic()
                count = self._process_notifications(
                    leader_name,
                    notifications,
                    sets_aside,
                    lambda: (
                        is_interrupted()
                        or (longest is not None and monotonic() - started > longest)
                    ),
                )
            self._positions[leader_name] = notifications[count - 1].id
            return count

    def pull_notifications(
        self,
        leader_name: str,
        limit: int | None = None,
        *,
        start: int | None = None,
        stop: int | None = None,
    ) -> Sequence[Notification]:
        """Return the next few notifications after ``start``, by default the position, in order."""
        if start is None:
            start = self.recorder.max_tracking_id(leader_name)
        return self.readers[leader_name].notification_log.select(
            start,
            limit or self.pull_section_size,
            stop,
            self.topics,
            inclusive_of_start=False,
        )

    def convert_notifications(
        self, leader_name: str, notifications: Iterable[Notification]
    ) -> Iterator[tuple[Any, Tracking]]:
        """Yield each notification's domain event, with the position that it stands for."""
        mapper = self.mappers[leader_name]
        for notification in notifications:
            event = mapper.to_domain_event(notification)
            yield event, self._tracking_class(leader_name, notification.id)

    def process_notification(self, leader_name: str, notification: Notification) -> None:
        """
        Process one notification, whatever the position is, within the caller's unit of work.

        The caller has the turn, and the recorder's ``processing()`` or what stands for it.
        """
        with self.recorder.handling(leader_name, notification):
            for event, tracking in self.convert_notifications(leader_name, [notification]):
                self.process_event(event, tracking)

    def _process_notifications(
        self,
        leader_name: str,
        notifications: Sequence[Notification],
        sets_aside: Callable[[Notification], bool],
        is_over: Callable[[], bool],
    ) -> int:
        """Process them within the unit of work, until it is over; return how many that were."""
        count = 0
        passed: Tracking | None = None
        with self.gathering():
            for notification in notifications:
                if sets_aside(notification):
                    passed = self._tracking_class(leader_name, notification.id)
                else:
                    passed = None
                    self.process_notification(leader_name, notification)
                count += 1
                if is_over():
                    break
        if passed is not None:
            self.recorder.insert_tracking(passed)
        return count

    def forget_positions(self) -> None:
        """Look up where it has come to, as others may have processed meanwhile."""
        self._positions.clear()

    def _position(self, leader_name: str) -> int:
        return self.recorder.max_tracking_id(leader_name) or 0

    def _mark(self, leader_name: str) -> int | None:
        """
        Return what is another after the log has grown by this process.

        ``None`` where that does not tell whether a section that is not full is the last one.
        """
        recorder = getattr(self.readers[leader_name].notification_log, "recorder", None)
        # Others may end early, or have been passed over; what is not committed is not announced.
        if (
            self.topics
            or not isinstance(recorder, ApplicationRecorder)
            or recorder.page_max_bytes is not None
            or recorder.holds_locks()
        ):
            return None
        return recorder.announcer.mark()

    def _head(self, leader_name: str, position: int) -> int | None:
        return self.readers[leader_name].notification_log.settled_notification_id(position)

    def _mapper_for(self, leader_name: str) -> Mapper:
        factory = type(self.factory)(Environment(leader_name, self.env))
        return factory.mapper(
            transcoder=self.construct_transcoder(), mapper_class=type(self.mapper)
        )
