"""The decorator ``@event``: a method whose calls become events."""

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar, overload

from eventsourcing.domain.errors import ProgrammingError
from eventsourcing.domain.mutation import CanInitAggregate, CanMutateAggregate

__all__ = ["CommandMethodDecorator", "event", "triggers"]

_F = TypeVar("_F", bound=Callable[..., Any] | property)


class CommandMethodDecorator:
    """A method under ``@event``, as it stands in the body of a class until that is defined."""

    def __init__(
        self,
        event_spec: str | type[CanMutateAggregate[Any]] | None,
        decorated: Any,
        topic: str | None = None,
    ) -> None:
        self.property: Any = decorated if isinstance(decorated, property) else None
        func = decorated
        if self.property is not None:
            func = self.property.fset
            if func is None:
                raise TypeError(
                    f"@event can't decorate {_name(self.property.fget)}() property getter. "
                    f"Decorate the setter."
                )
        if isinstance(func, CommandMethodDecorator):
            raise TypeError(f"{func.name}() has two @event decorators. Remove one.")
        if not isinstance(func, FunctionType):
            raise TypeError(f"{decorated!r} is not a function or property")
        if func.__name__ == "__init__" and event_spec is None:
            raise TypeError(
                "@event on __init__ has neither event name nor class. "
                "Give one of them, for example @event('Registered')."
            )
        if isinstance(event_spec, type):
            _refuse_wrong_kind(event_spec, func.__name__)
        self.event_spec = event_spec
        self.func = func
        self.topic = topic
        if self.property is not None and event_spec is None:
            raise self.nameless_setter()

    @property
    def name(self) -> str:
        """The name of the method."""
        return self.func.__name__

    def event_name(self) -> str:
        """Return the name of the event's class: the one given, or made from the method's."""
        if isinstance(self.event_spec, str):
            return self.event_spec
        if self.event_spec is not None:
            return self.event_spec.__name__
        return "".join(part.capitalize() for part in self.name.split("_"))

    def nameless_setter(self) -> TypeError:
        """Return the error that a setter has nothing that its event could be named after."""
        return TypeError(
            f"@event on the setter of {self.name} requires event name or class, "
            f"for example @event('{self.name.title().replace('_', '')}Changed')."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Refuse to be called, which happens when another decorator has got hold of this one."""
        raise TypeError(
            f"{self.name}() has another decorator above @event, which hides it from the "
            f"aggregate. Put @event on top."
        )

    def __get__(self, instance: object | None, owner: type) -> "CommandMethodDecorator":
        if instance is None:
            return self
        raise ProgrammingError(
            f"{owner.__qualname__}.{self.name}() is decorated with @event, but "
            f"{owner.__qualname__} is not an aggregate. Inherit Aggregate, or use @aggregate."
        )


@overload
def event(
    arg: type[CanMutateAggregate[Any]] | str | None = None, /, *, topic: str | None = None
) -> Callable[[_F], _F]: ...


@overload
def event(arg: _F, /) -> _F: ...


def event(arg: Any = None, /, *, topic: str | None = None) -> Any:
    """
    Make calls of a method trigger an event, which calls the method when it is applied.

    Give the name of the event's class, or a class; without either, a method ``add_trick``
    triggers ``AddTrick``. A class that is given by name is defined on the aggregate, its fields
    are the method's parameters. On ``__init__`` it is the event that makes the aggregate.

    ``topic`` is the explicit topic of a class that is given by name.
    """
    if isinstance(arg, FunctionType | property):
        return CommandMethodDecorator(None, arg)
    if isinstance(arg, str):
        if not arg:
            raise ValueError("@event got '' as the name of an event class. Give a name.")
        if not arg.isidentifier():
            raise ValueError(
                f"@event got '{arg}' as the name of an event class, which is not an identifier."
            )
    elif arg is not None and not _is_event_class(arg):
        raise TypeError(
            f"{arg!r} is not a str, function, property, or subclass of CanMutateAggregate"
        )
    if topic is not None and arg is not None and not isinstance(arg, str):
        raise TypeError(
            f"@event got {arg.__qualname__} and the topic '{topic}'. "
            f"Set TOPIC on the class instead."
        )
    return lambda decorated: CommandMethodDecorator(arg, decorated, topic)


triggers = event


def _refuse_wrong_kind(event_class: type, name: str) -> None:
    if name == "__init__" and not issubclass(event_class, CanInitAggregate):
        raise TypeError(
            f"@event on __init__ got {event_class.__qualname__}, which is not a 'created' event "
            f"class. Inherit AggregateCreated."
        )
    if name != "__init__" and issubclass(event_class, CanInitAggregate):
        raise TypeError(
            f"@event on {name}() got {event_class.__qualname__}, which is a 'created' event "
            f"class. Use it on __init__, or in a class method that calls _create()."
        )


def _is_event_class(obj: Any) -> bool:
    return isinstance(obj, type) and issubclass(obj, CanMutateAggregate)


def _name(func: Any) -> str:
    return getattr(func, "name", getattr(func, "__name__", "?"))
