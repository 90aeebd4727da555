"""Aggregates: objects that change by events alone, and can be made again from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, Self
from uuid import UUID, uuid4

from eventsourcing.domain.arguments import CONTAINERS, detached
from eventsourcing.domain.events import AggregateCreated, AggregateEvent
from eventsourcing.domain.explicit_topics import require_explicit_topic
from eventsourcing.domain.meta import MetaAggregate
from eventsourcing.domain.mutation import CanMutateAggregate
from eventsourcing.domain.protocols import TAggregateID
from eventsourcing.domain.snapshots import Snapshot as AggregateSnapshot
from eventsourcing.domain.state import constructed
from eventsourcing.topics import get_topic

__all__ = ["Aggregate", "BaseAggregate"]


class BaseAggregate(Generic[TAggregateID], metaclass=MetaAggregate):
    """
    Base class of aggregates, for trees of aggregates with event classes of their own.

    A subclass defines the nested classes ``Event`` and ``Created``, and ``create_id()``.
    """

    INITIAL_VERSION: ClassVar[int] = 1
    """The version of an aggregate after its first event."""

    class_version: ClassVar[int] = 1
    """The version of the class's attributes, as snapshots hold them; see ``upcast()``."""

    @classmethod
    def create_id(cls, *_: Any, **__: Any) -> Any:
        """
        Return the id of a new aggregate.

        An override is a static or class method. Of the arguments that make the aggregate it is
        given those that it names.
        """
        raise NotImplementedError(
            f"Please pass an 'id' arg or define a create_id() method on {cls.__qualname__}."
        )

    @classmethod
    def _create(cls, event_class: Any, *, id: Any = None, **kwargs: Any) -> Self:  # noqa: A002
        """
        Make an aggregate by a created event of the class given; for factory methods.

        The keyword arguments are the event's own values. Raise ``TypeError`` if they do not fit.
        """
        return cls._make(event_class, id, kwargs)

    @classmethod
    def _make(cls, event_class: Any, id: Any, values: dict[str, Any]) -> Self:  # noqa: A002
        definition = cls.__definition__
        if definition.has_explicit_topics:
            require_explicit_topic(cls, event_class)
        if id is None:
            id = cls.create_id(**definition.create_id.select(values))  # noqa: A001
            if not isinstance(id, UUID | str):
                raise TypeError(
                    f"{cls.__qualname__}.create_id() returned {id!r}. Return a UUID or a str."
                )
        identity = {
            "originator_id": id,
            "originator_version": cls.INITIAL_VERSION,
            "timestamp": None,
            "originator_topic": get_topic(cls),
        }
        try:
            created = _construct(event_class, {**identity, **values})
        except TypeError as error:
            raise TypeError(
                f"Unable to construct '{event_class.__name__}' event: {error}"
            ) from error
        made: Self = created.mutate(None)
        made._pending_events.append(created)
        return made

    def __base_init__(
        self, originator_id: Any, originator_version: int, timestamp: datetime
    ) -> None:
        """Set what each aggregate has; called before ``__init__``, which need not call it."""
        self._id: TAggregateID = originator_id
        self._version = originator_version
        self._created_on = timestamp
        self._modified_on = timestamp
        self._pending_events: list[Any] = []

    @property
    def __orig_class__(self) -> Any:
        # A generic class that is called as Box[int](…) would leave this among the attributes of
        # the new aggregate, which could not be the same after a replay.
        raise AttributeError("__orig_class__")

    @property
    def id(self) -> TAggregateID:
        """The id of the aggregate, which never changes."""
        found: TAggregateID = self._id
        return found

    @id.setter  # noqa: A003
    def id(self, value: TAggregateID) -> None:
        # What a dataclass does with a field 'id', and __init__ may do, changes nothing.
        if value != self._id:
            raise AttributeError(
                f"The id of {type(self).__qualname__} {self._id} can't be changed."
            )

    @property
    def version(self) -> int:
        """The version of the aggregate: that of its last event."""
        return self._version

    @version.setter
    def version(self, value: int) -> None:
        self._version = value

    @property
    def created_on(self) -> datetime:
        """When the first event happened."""
        return self._created_on

    @property
    def modified_on(self) -> datetime:
        """When the last event happened."""
        return self._modified_on

    @modified_on.setter
    def modified_on(self, value: datetime) -> None:
        self._modified_on = value

    @property
    def pending_events(self) -> list[Any]:
        """The events that have not been collected yet."""
        return self._pending_events

    def trigger_event(self, event_class: Any, **kwargs: Any) -> None:
        """
        Apply a new event with the values given, and keep it until it is collected.

        Raise ``TypeError`` if the values do not fit. Where applying the event raises, the
        version and the pending events are as before.
        """
        self._trigger(event_class, kwargs)

    def collect_events(self) -> Sequence[Any]:
        """Return the pending events in order, and forget them."""
        collected = list(self._pending_events)
        self._pending_events.clear()
        return collected

    def _trigger(self, event_class: type[CanMutateAggregate[Any]], values: dict[str, Any]) -> None:
        if type(self).__definition__.has_explicit_topics:
            require_explicit_topic(type(self), event_class)
        identity = {
            "originator_id": self._id,
            "originator_version": self.version + 1,
            "timestamp": None,
        }
        try:
            new = _construct(event_class, {**identity, **values})
        except TypeError as error:
            raise TypeError(f"Can't construct event {event_class.__qualname__}: {error}") from error
        before = (self._version, self._modified_on, len(self._pending_events))
        try:
            new.mutate(self)
        except BaseException:
            self._version, self._modified_on = before[:2]
            del self._pending_events[before[2] :]
            raise
        self._pending_events.append(new)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        raise NotImplementedError(
            f"{type(self).__qualname__} can't be hashed, because it changes. Use its id."
        )

    def __repr__(self) -> str:
        values = ", ".join(
            f"{name.lstrip('_')}={value!r}"
            for name, value in vars(self).items()
            if name != "_pending_events"
        )
        return f"{type(self).__name__}({values})"


class Aggregate(BaseAggregate[UUID]):
    """
    An object that changes by events alone.

    A call of a subclass triggers its created event. Methods under ``@event`` trigger further
    ones.
    """

    # The public path, which stored topics name.
    __module__ = "eventsourcing.domain"

    class Event(AggregateEvent):
        """Base class of the aggregate's events."""

        __module__ = "eventsourcing.domain"

    class Created(Event, AggregateCreated):
        """The event that makes the aggregate."""

        __module__ = "eventsourcing.domain"

    class Snapshot(AggregateSnapshot):
        """The state of the aggregate at a version."""

        __module__ = "eventsourcing.domain"

    @staticmethod
    def create_id(*_: Any, **__: Any) -> UUID:
        """Return a new id: a random UUID, unless a subclass says otherwise."""
        return uuid4()


def _construct(event_class: Any, values: dict[str, Any]) -> Any:
    """Return a new event of the values; it holds copies of containers, not the caller's own."""
    for name, value in values.items():
        if type(value) in CONTAINERS:
            values[name] = detached(value)
    if values["timestamp"] is None:
        values["timestamp"] = event_class.create_timestamp()
    return constructed(event_class, values)
