"""Definition: what a class of aggregates knows about itself."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any

from eventsourcing.domain.arguments import Parameters
from eventsourcing.domain.mutation import CanMutateAggregate

__all__ = ["Definition", "EventClass", "create_id_parameters", "init_parameters"]

EventClass = type[CanMutateAggregate[Any]]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a class of aggregates knows about itself."""

    init: Parameters
    """The parameters of ``__init__``."""
    create_id: Parameters
    """The parameters of ``create_id()``."""
    created: EventClass | None = None
    """The class of the event that a call of the aggregate's class triggers."""
    created_alternatives: tuple[str, ...] = ()
    """The names of the classes that it could be, where the aggregate's class does not choose."""
    created_root: EventClass | None = None
    """The class that a created event's class is a subclass of when it is made from ``__init__``."""
    copies: frozenset[str] = frozenset()
    """The names of event classes that are mere copies of inherited ones."""
    has_explicit_topics: bool = False
    """Whether the class, and therefore each of its event classes, states its ``TOPIC``."""

    @property
    def copies_created(self) -> bool:
        """Tell whether the created event is a mere copy of an inherited one."""
        return self.created is not None and self.created.__name__ in self.copies


def init_parameters(cls: Any) -> Parameters:
    """Return the parameters of the class's ``__init__``, a dataclass's default factories too."""
    factories: Mapping[str, Callable[[], Any]] = {
        name: field.default_factory
        for name, field in getattr(cls, "__dataclass_fields__", {}).items()
        if field.default_factory is not MISSING
    }
    return Parameters(cls.__init__, factories)


def create_id_parameters(cls: Any) -> Parameters:
    """Return the parameters of the class's ``create_id()``."""
    return Parameters(cls.create_id, has_self=False)
