"""Newest: the latest events of a kind, read backwards from an application's log."""

from collections.abc import Iterator
from typing import TypeVar

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.topics import get_topic

__all__ = ["newest_first"]

WINDOW = 1_000
WINDOWS = 100

TEvent = TypeVar("TEvent", bound=Aggregate.Event)


def newest_first(application: Application, event_class: type[TEvent]) -> Iterator[TEvent]:
    """
    Yield an application's events of a class, newest first.

    Only the latest part of the log is looked through: a read model would know them all.
    """
    topics = [get_topic(event_class)]
    stop = application.recorder.max_notification_id() or 0
    for _ in range(WINDOWS):
        if stop < 1:
            return
        start = max(1, stop - WINDOW + 1)
        notifications = application.recorder.select_notifications(start, WINDOW, stop, topics)
        for notification in reversed(notifications):
            domain_event = application.mapper.to_domain_event(notification)
            if isinstance(domain_event, event_class):
                yield domain_event
        stop = start - 1
