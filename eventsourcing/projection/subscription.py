"""Application subscriptions: an application's events, old ones first, then as they are recorded."""

from collections.abc import Iterator, Sequence
from typing import Any, Self

from eventsourcing.application import Application
from eventsourcing.persistence import Notification, Tracking

__all__ = ["ApplicationSubscription"]


class ApplicationSubscription(Iterator[tuple[Any, Tracking]]):
    """
    Yields an application's domain events, each with the position that it stands for.

    Use it as a context manager. ``stop()``, from any thread, ends the iteration.
    """

    def __init__(self, app: Application, gt: int | None = None, topics: Sequence[str] = ()) -> None:
        self.app = app
        self.subscription = app.recorder.subscribe(gt=gt, topics=topics)
        self.notification: Notification | None = None
        """The one that has brought the last event; ``None`` if others have been passed instead."""

    def __enter__(self) -> Self:
        self.subscription.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self.subscription.__exit__(*args)

    def stop(self) -> None:
        """End the iteration."""
        self.subscription.stop()

    def __next__(self) -> tuple[Any, Tracking]:
        while (item := self.advance())[0] is None:
            continue
        return item

    def advance(self) -> tuple[Any, Tracking]:
        """Return the next event with its position; ``None`` with one that others have passed."""
        self.notification = notification = self.subscription.advance()
        if notification is None:
            return None, Tracking(self.app.name, self.subscription.position or 0)
        domain_event = self.app.mapper.to_domain_event(notification)
        return domain_event, Tracking(self.app.name, notification.id)
