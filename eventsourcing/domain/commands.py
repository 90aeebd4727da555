"""Commands: methods of aggregates that trigger events, and the events that call them."""

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar, NoReturn
from uuid import UUID

from eventsourcing.domain.arguments import CONTAINERS, Parameters
from eventsourcing.domain.definition import EventClass
from eventsourcing.domain.errors import ProgrammingError
from eventsourcing.domain.events import DomainEvent
from eventsourcing.domain.mutation import (
    CanMutateAggregate,
    refuse_another_event,
)
from eventsourcing.domain.state import shape_of

__all__ = ["DecoratedFuncCaller", "ProjectionMethod", "make_command"]

_new_object, _set_attribute = object.__new__, object.__setattr__


class DecoratedFuncCaller(CanMutateAggregate[Any]):
    """Gives a class of events the decorated method that is called when they are applied."""

    decorated_method: ClassVar[Parameters] = Parameters(object.__init__)
    applies_more: ClassVar[bool] = False
    """Whether the event's class says for itself how it is applied."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        inherited = super().apply
        cls.applies_more = inherited is not CanMutateAggregate.apply

    def apply(self, aggregate: Any) -> None:
        """Do what the event's class says for itself, then call the decorated method."""
        if self.applies_more:
            super().apply(aggregate)
        has_plain_state = shape_of(type(self)).has_plain_state
        values = self.__dict__ if has_plain_state else self._as_dict()
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
    event_class: EventClass,
    parameters: Parameters,
    is_aggregate: Callable[[Any], bool],
    triggers_plainly: Callable[[type], bool],
) -> Callable[..., None]:
    """
    Return a method that triggers the event with its arguments, and returns nothing.

    What it does for most classes is done without the calls that let others do it otherwise; for
    the aggregates, ``triggers_plainly()`` tells whether theirs is one of these.
    """
    # By the aggregate's class: the class of the event, and whether there is nothing special.
    known: dict[type, tuple[EventClass, bool]] = {}
    names = parameters.positional
    number = 1 + len(names)
    places = tuple(enumerate(names, start=1))

    @functools.wraps(func)
    def command(*args: Any, **kwargs: Any) -> None:
        if not args:
            raise TypeError(f"Expected aggregate as first argument of {func.__qualname__}().")
        aggregate = args[0]
        cls = type(aggregate)
        found = known.get(cls)
        if found is None:
            if not is_aggregate(aggregate):
                raise TypeError(
                    f"Expected aggregate as first argument of {func.__qualname__}(), "
                    f"got {aggregate!r}."
                )
            own_class = _own_class(cls, event_class)
            is_plain = parameters.are_positional and _is_plain(own_class, func, names)
            found = known[cls] = own_class, is_plain and triggers_plainly(cls)
        own_class, is_plain = found
        if not is_plain or kwargs or len(args) != number or type(aggregate._id) is not UUID:
            aggregate._trigger(own_class, parameters.bind(args[1:], kwargs))
            return
        version = aggregate._version
        values = {
            "originator_id": aggregate._id,
            "originator_version": version + 1,
            "timestamp": None,
        }
        for position, name in places:
            value = args[position]
            if type(value) in CONTAINERS:
                aggregate._trigger(own_class, parameters.bind(args[1:], kwargs))
                return
            values[name] = value
        # Only now, as it is taken once for each event.
        values["timestamp"] = timestamp = own_class.create_timestamp()
        event = _new_object(own_class)
        _set_attribute(event, "__dict__", values)
        modified_on, pending = aggregate._modified_on, aggregate._pending_events
        number_pending = len(pending)
        try:
            func(*args)
            if aggregate._version != version:
                refuse_another_event(own_class)
        except BaseException:
            aggregate._version = version
            aggregate._modified_on = modified_on
            del pending[number_pending:]
            raise
        aggregate._version = version + 1
        aggregate._modified_on = timestamp
        pending.append(event)

    return command


def _own_class(aggregate_class: type, event_class: EventClass) -> EventClass:
    """Return the copy that the aggregate's class has of an inherited event class."""
    found = getattr(aggregate_class, event_class.__name__, None)
    if isinstance(found, type) and issubclass(found, event_class):
        return found
    return event_class


def _is_plain(event_class: Any, func: FunctionType, names: list[str]) -> bool:
    """Tell whether an event of the class does nothing but to call the method with its values."""
    shape = shape_of(event_class)
    return (
        shape.has_plain_state
        and shape.fields == ("originator_id", "originator_version", "timestamp", *names)
        # What it checks, the type of the id, is looked at each time.
        and getattr(event_class, "__post_init__", None) in (None, DomainEvent.__post_init__)
        and event_class.mutate is CanMutateAggregate.mutate
        and event_class.apply is DecoratedFuncCaller.apply
        and not event_class.applies_more
        and event_class.decorated_method.func is func
    )
