"""Events: what has happened, as values that do not change."""

# In a metaclass, the first argument is a class.
# ruff: noqa: N805

import warnings
from datetime import datetime
from typing import Any, dataclass_transform
from uuid import UUID

from eventsourcing.domain.fields import FieldsType, annotates_fields
from eventsourcing.domain.mutation import (
    CanInitAggregate,
    CanMutateAggregate,
    HasOriginatorIDVersion,
)
from eventsourcing.domain.timestamps import CanCreateTimestamp

__all__ = ["AggregateCreated", "AggregateEvent", "DomainEvent", "LogEvent", "MetaDomainEvent"]


@dataclass_transform(frozen_default=True)
class MetaDomainEvent(FieldsType):
    """Metaclass that makes each class of events a frozen dataclass."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        # A dataclass with slots is made again of a body that has been through this already.
        if "__dataclass_fields__" in namespace:
            return
        if annotates_fields(cls) or cls._lacks_fields():
            cls._make_fields(frozen=True)


class DomainEvent(HasOriginatorIDVersion[UUID], CanCreateTimestamp, metaclass=MetaDomainEvent):
    """
    Something that happened to an originator, and made it the given version.

    Annotations in a subclass are further fields: each subclass is a frozen dataclass.
    """

    # The public path, which stored topics name.
    __module__ = "eventsourcing.domain"

    originator_id: UUID
    """The id of the aggregate that the event belongs to."""
    originator_version: int
    """The version of the aggregate after the event."""
    timestamp: datetime
    """When the event happened."""

    def __post_init__(self) -> None:
        if not isinstance(self.originator_id, UUID):
            raise TypeError(
                f"{type(self).__qualname__} got {self.originator_id!r} as originator_id. "
                f"Give a UUID, or use event classes of your own for other ids."
            )


class AggregateEvent(CanMutateAggregate[UUID], DomainEvent):
    """An event of an aggregate."""

    __module__ = "eventsourcing.domain"


class AggregateCreated(CanInitAggregate[UUID], AggregateEvent):
    """The first event of an aggregate."""

    __module__ = "eventsourcing.domain"

    originator_topic: str
    """The topic of the aggregate's class."""


class LogEvent(DomainEvent):
    """An old name of ``DomainEvent``."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        warnings.warn("LogEvent is deprecated. Use DomainEvent.", DeprecationWarning, stacklevel=2)
