"""Event-sourced logs: sequences of events that belong to no aggregate."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from eventsourcing.persistence import EventStore

__all__ = ["EventSourcedLog"]

TLogged = TypeVar("TLogged")


class EventSourcedLog(Generic[TLogged]):
    """
    Builds and reads a sequence of events with one originator.

    It records nothing: ``save()`` the events that it builds with an application.
    """

    def __init__(
        self, events: EventStore, originator_id: UUID | str, logged_cls: type[TLogged]
    ) -> None:
        self.events = events
        self.originator_id = originator_id
        self.logged_cls = logged_cls

    def trigger_event(self, next_originator_version: int | None = None, **kwargs: Any) -> TLogged:
        """
        Return a new event of the logged class, to be saved by the caller.

        It has the version given, or the one after the last that is recorded.
        """
        if next_originator_version is None:
            last: Any = self.get_last()
            next_originator_version = 1 if last is None else last.originator_version + 1
        logged_cls: Any = self.logged_cls
        if kwargs.get("timestamp") is None:
            kwargs["timestamp"] = logged_cls.create_timestamp()
        logged: TLogged = logged_cls(
            originator_id=self.originator_id,
            originator_version=next_originator_version,
            **kwargs,
        )
        return logged

    def get_first(self) -> TLogged | None:
        """Return the first event, or ``None`` if there is none."""
        return next(self.get(limit=1), None)

    def get_last(self) -> TLogged | None:
        """Return the last event, or ``None`` if there is none."""
        return next(self.get(desc=True, limit=1), None)

    def get(
        self,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Iterator[TLogged]:
        """Yield the events in the order of their versions, or backwards."""
        found = self.events.get(self.originator_id, gt=gt, lte=lte, desc=desc, limit=limit)
        return cast("Iterator[TLogged]", found)
