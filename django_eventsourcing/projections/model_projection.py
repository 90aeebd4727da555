"""Projections into Django models: followers whose effect is rows instead of events."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from django_eventsourcing.projections.projected import ProjectedEvent
from eventsourcing.application import ProgrammingError
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Notification, Tracking
from eventsourcing.system import Follower

if TYPE_CHECKING:
    from django.db.models import Model

__all__ = ["ModelProjection"]


class ModelProjection(Follower):
    """
    A follower that writes Django models, each event exactly once.

    It stands at the end of the pipes of one or several applications. What ``process_event()``
    writes in ``database`` is committed together with the position, or not at all: whatever it
    raises, neither rows nor position remain. It records no events of its own, so its rows can be
    cleared and made again from the events at any time.

    Define ``process_events()`` as well where it pays to write the rows of many events at once.
    """

    models: ClassVar[Sequence[type["Model"]]] = ()
    """The models that are the projection's alone: what a rebuild clears and fills again."""
    version: ClassVar[int] = 1
    """Raise it when the same events are to give other rows: a rebuild is then due."""
    longest_batch: ClassVar[float] = 0.25
    """
    Seconds after which ``run_system`` commits, though more events are there.

    Rows that have been written stay locked until then. It does not divide what
    ``process_events()`` is given: that is limited by ``BATCH_SIZE`` alone.
    """

    @property
    def database(self) -> str:
        """The alias of the database in which rows are committed together with the position."""
        alias: str = getattr(self.recorder, "alias", "default")
        return alias

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """
        Write what follows from an event; by default, nothing.

        Register a method for each class of events that matters. The position is moved by the
        caller. Events come in the order of the upstream's log, in one transaction with others; if
        one of them fails, all are rolled back and come again, one at a time.
        """

    def process_events(self, events: Sequence[ProjectedEvent]) -> None:
        """
        Write what follows from several events of one upstream, in the order of its log.

        By default, each is given to ``process_event()``. What is defined instead has to write the
        same rows as that would, for one event as for a thousand: after a failure, events come
        one at a time, and those that are retried later by ``process_event()``.
        """
        for event in events:
            with event.handling():
                self.process_event(event.domain_event, event.tracking)

    def save(self, *objs: Any, **kwargs: Any) -> NoReturn:
        """Raise ``ProgrammingError``: what a projection records could not be made again."""
        raise ProgrammingError(
            f"{self.name} is a model projection, which records no events. Derive it from "
            f"ProcessApplication instead, whose policy may write models as well."
        )

    @property
    def takes_many(self) -> bool:
        """Whether ``process_events()`` is the projection's own."""
        return type(self).process_events is not ModelProjection.process_events

    def _process_notifications(
        self,
        leader_name: str,
        notifications: Sequence[Notification],
        sets_aside: Callable[[Notification], bool],
        is_over: Callable[[], bool],
    ) -> int:
        if not self.takes_many:
            return super()._process_notifications(leader_name, notifications, sets_aside, is_over)
        taken = [each for each in notifications if not sets_aside(each)]
        if taken:
            self.process_events(
                [
                    ProjectedEvent.of(event, tracking, notification)
                    for notification in taken
                    for event, tracking in self.convert_notifications(leader_name, [notification])
                ]
            )
        self.recorder.insert_tracking(Tracking(leader_name, notifications[-1].id))
        return len(notifications)

    def process_notification(self, leader_name: str, notification: Notification) -> None:
        super().process_notification(leader_name, notification)
        self.recorder.insert_tracking(Tracking(leader_name, notification.id))
