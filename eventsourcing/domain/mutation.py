"""Mutation: how events make and change aggregates."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, get_args, get_origin
from uuid import UUID

from eventsourcing.domain.errors import (
    OriginatorIDError,
    OriginatorVersionError,
    ProgrammingError,
)
from eventsourcing.domain.protocols import TAggregateID
from eventsourcing.domain.state import HasState
from eventsourcing.domain.timestamps import CanCreateTimestamp
from eventsourcing.topics import find_topic, renew_topic

__all__ = [
    "CanInitAggregate",
    "CanMutateAggregate",
    "HasOriginatorIDVersion",
    "find_aggregate_class",
    "refuse_another_event",
]


class HasOriginatorIDVersion(HasState, Generic[TAggregateID]):
    """Gives a class of events the identity of what they happened to."""

    if TYPE_CHECKING:

        @property
        def originator_id(self) -> TAggregateID: ...
        @property
        def originator_version(self) -> int: ...

    class_version: ClassVar[int] = 1
    """The version of the class's own fields; see ``upcast()``."""

    originator_id_type: ClassVar[type[UUID] | type[str] | None] = None
    """The type of the originators' ids, as stated by the class: ``UUID`` or ``str``."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        renew_topic(cls)
        for base in getattr(cls, "__orig_bases__", ()):
            origin = get_origin(base)
            if (
                isinstance(origin, type)
                and issubclass(origin, HasOriginatorIDVersion)
                # Otherwise the type is stated already, and the argument means something else.
                and origin.originator_id_type is None
            ):
                for arg in get_args(base)[:1]:
                    if isinstance(arg, type) and arg is not Any:
                        cls.originator_id_type = _checked_id_type(cls, arg)


class CanMutateAggregate(HasOriginatorIDVersion[TAggregateID], CanCreateTimestamp):
    """Gives a class of events the power to change an aggregate."""

    if TYPE_CHECKING:
        timestamp: datetime

    def mutate(self, aggregate: Any) -> Any:
        """
        Change the aggregate by this event, and return it.

        Raise ``OriginatorIDError`` or ``OriginatorVersionError`` if the event is not the
        aggregate's next one. An override may return another aggregate, or ``None`` where the
        event is the aggregate's end.
        """
        if aggregate is None:
            raise TypeError(
                f"{type(self).__qualname__} changes an aggregate, and there is none: an event "
                f"that makes one must come first."
            )
        aggregate_id = aggregate.id
        # Mostly, it is the very object, and to compare UUIDs takes time.
        if self.originator_id is not aggregate_id and self.originator_id != aggregate_id:
            raise OriginatorIDError(self.originator_id, aggregate_id)
        before = aggregate.version
        if self.originator_version != before + 1:
            raise OriginatorVersionError(self.originator_version, before + 1)
        self.apply(aggregate)
        if aggregate.version != before:
            refuse_another_event(type(self))
        aggregate.version = self.originator_version
        aggregate.modified_on = self.timestamp
        return aggregate

    def apply(self, aggregate: Any) -> None:
        """Change the aggregate's own attributes; here for subclasses to say how."""


class CanInitAggregate(CanMutateAggregate[TAggregateID]):
    """Gives a class of events the power to make an aggregate."""

    if TYPE_CHECKING:

        @property
        def originator_topic(self) -> str: ...

    def mutate(self, aggregate: Any) -> Any:
        """Make the aggregate that the topic names, by its ``__init__`` and without triggering."""
        if aggregate is not None:
            raise TypeError(
                f"{type(self).__qualname__} makes an aggregate, and there is one already: "
                f"{aggregate!r}."
            )
        aggregate_class = find_aggregate_class(self.originator_topic)
        made = aggregate_class.__new__(aggregate_class)
        made.__base_init__(
            originator_id=self.originator_id,
            originator_version=self.originator_version,
            timestamp=self.timestamp,
        )
        aggregate_class.__definition__.init.call(
            made, {**self._as_dict(), "id": self.originator_id}
        )
        self.apply(made)
        return made


def refuse_another_event(event_class: type) -> NoReturn:
    """Raise the error of an event that has triggered another one."""
    raise ProgrammingError(
        f"{event_class.__qualname__} triggered another event while it was applied. "
        f"Trigger events from an undecorated method, one after the other."
    )


def _checked_id_type(cls: type, arg: type) -> Any:
    if arg not in (UUID, str):
        raise TypeError(
            f"{cls.__qualname__} states {arg.__qualname__} as the type of its originators' ids. "
            f"Give UUID or str."
        )
    return arg


def find_aggregate_class(topic: str) -> Any:
    """Return the class of aggregates that a topic in stored data names, and nothing else."""
    found = find_topic(topic)
    if isinstance(found, type) and hasattr(found, "__base_init__"):
        return found
    raise TypeError(f"'{topic}' does not name a class of aggregates.")
