"""Commands: methods of aggregates that trigger events, and the events that call them."""

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar, NoReturn

from eventsourcing.domain.arguments import Parameters
from eventsourcing.domain.errors import ProgrammingError
from eventsourcing.domain.mutation import CanMutateAggregate, HasOriginatorIDVersion
from eventsourcing.domain.state import values_to_read

__all__ = ["DecoratedFuncCaller", "ProjectionMethod", "make_command"]


class DecoratedFuncCaller(CanMutateAggregate[Any]):
    """Gives a class of events the decorated method that is called when they are applied."""

    decorated_method: ClassVar[Parameters] = Parameters(object.__init__)

    def apply(self, aggregate: Any) -> None:
        """Do what the event's class says for itself, then call the decorated method."""
        super().apply(aggregate)
        is_plain = type(self)._as_dict is HasOriginatorIDVersion._as_dict
        values = values_to_read(self) if is_plain else self._as_dict()
        self.decorated_method.call(aggregate, values)


class ProjectionMethod:
    """Stands for a decorated method called ``_``, which is there for its event alone."""

    def __get__(self, instance: object | None, owner: type) -> NoReturn:
        raise ProgrammingError(
            f"A method '_' of {owner.__qualname__} is called by its event alone. "
            f"Give it a name if it is to be a command."
        )


def make_command(
    func: FunctionType,
    event_class: type[CanMutateAggregate[Any]],
    parameters: Parameters,
    is_aggregate: Callable[[Any], bool],
) -> Callable[..., None]:
    """Return a method that triggers the event with its arguments, and returns nothing."""
    own_classes: dict[type, type[CanMutateAggregate[Any]]] = {}

    @functools.wraps(func)
    def command(*args: Any, **kwargs: Any) -> None:
        if not args or (type(args[0]) not in own_classes and not is_aggregate(args[0])):
            raise TypeError(
                f"Expected aggregate as first argument of {func.__qualname__}(), got {args[0]!r}."
                if args
                else f"Expected aggregate as first argument of {func.__qualname__}()."
            )
        aggregate = args[0]
        cls = type(aggregate)
        own_class = own_classes.get(cls)
        if own_class is None:
            own_class = own_classes[cls] = _own_class(cls, event_class)
        aggregate._trigger(own_class, parameters.bind(args[1:], kwargs))

    return command


def _own_class(
    aggregate_class: type, event_class: type[CanMutateAggregate[Any]]
) -> type[CanMutateAggregate[Any]]:
    """Return the copy that the aggregate's class has of an inherited event class."""
    found = getattr(aggregate_class, event_class.__name__, None)
    if isinstance(found, type) and issubclass(found, event_class):
        return found
    return event_class
