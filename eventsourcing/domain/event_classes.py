"""Event classes: those in the body of an aggregate's class, those inherited, those made."""

from collections.abc import Mapping
from dataclasses import InitVar
from inspect import Parameter
from types import new_class
from typing import Any

from eventsourcing.domain.arguments import Parameters
from eventsourcing.domain.commands import DecoratedFuncCaller
from eventsourcing.domain.decorator import CommandMethodDecorator
from eventsourcing.domain.definition import EventClass
from eventsourcing.domain.mutation import CanMutateAggregate

__all__ = ["EventClasses", "is_event_class"]

# These are given to each event, so that no method can have a parameter of the same name.
_GIVEN = frozenset({"originator_id", "originator_version", "originator_topic"})


class EventClasses:
    """Gives a class of aggregates event classes of its own."""

    def __init__(self, cls: type, body: Mapping[str, Any]) -> None:
        self.cls = cls
        self.body = body
        self.own: dict[str, EventClass] = {}
        """The aggregate's own event classes by name."""
        self.successors: dict[EventClass, EventClass] = {}
        """Event classes that are replaced on this aggregate, and by what."""
        self.callers: dict[Any, type[DecoratedFuncCaller]] = {}
        """Those of the replacing classes that call a decorated method."""
        self.copies: set[str] = set()
        """The names of those that are mere copies of inherited ones."""
        self.event: EventClass | None = self._define_event()

    def define_nested(self, decorated: Mapping[EventClass, CommandMethodDecorator]) -> None:
        """Make the classes in the body subclasses of the aggregate's own ``Event``."""
        for name, value in self.body.items():
            if name == "Event" or not _is_nested_event_class(name, value):
                continue
            if value in decorated:
                self.callers[value] = self._define_caller(name, decorated[value], value)
            elif self.event is not None and not issubclass(value, self.event):
                self.define_successor(name, value)
            else:
                self.own[name] = value

    def define_for(self, decorator: CommandMethodDecorator) -> type[DecoratedFuncCaller]:
        """Return the class of the events that call the decorated method, defined if need be."""
        name, spec = decorator.event_name(), decorator.event_spec
        if spec in self.callers:
            return self.callers[spec]
        self._refuse_second(name)
        return self._define_caller(name, decorator, None if isinstance(spec, str) else spec)

    def define_successor(self, name: str, original: EventClass) -> EventClass:
        """Define a subclass of the original and of the aggregate's own ``Event``."""
        return self._define(name, (original, *self._kin(original)), original=original)

    def define_created(
        self, name: str, root: EventClass, init: Parameters, topic: str | None = None
    ) -> EventClass:
        """Define the class of a created event with the parameters of ``__init__``."""
        self._refuse_second(name)
        annotations = _annotations(init)
        annotations.pop("id", None)
        return self._define(name, (root, *self._kin(root)), annotations, topic)

    def define_inherited(self, *, except_for: EventClass | None) -> None:
        """Define the aggregate's own copies of the event classes that it inherits."""
        for name, original in self._inherited().items():
            if self.event is not None and original is not except_for:
                self._define_copy(name, original)

    def required_event(self) -> EventClass:
        """Return the aggregate's own ``Event``, which is the base of what is made."""
        if self.event is None:
            raise TypeError(
                f"Base event class 'Event' not defined on {self.cls.__qualname__} or its bases. "
                f"Define it, or inherit Aggregate."
            )
        return self.event

    def _define_caller(
        self, name: str, decorator: CommandMethodDecorator, original: EventClass | None
    ) -> type[DecoratedFuncCaller]:
        parameters = Parameters(decorator.func)
        if original is None:
            bases: tuple[type, ...] = (DecoratedFuncCaller, self.required_event())
            made: Any = self._define(name, bases, _annotations(parameters), decorator.topic)
        else:
            bases = (DecoratedFuncCaller, original, *self._kin(original))
            made = self._define(name, bases, original=original)
        made.decorated_method = parameters
        caller: type[DecoratedFuncCaller] = made
        return caller

    def _define_event(self) -> EventClass | None:
        inherited: list[EventClass] = []
        for base in self.cls.__bases__:
            event: Any = getattr(base, "Event", None)
            if is_event_class(event):
                inherited.append(event)
        inherited = _most_derived(inherited)
        event = self.body.get("Event")
        if is_event_class(event):
            strangers = [base for base in inherited if not issubclass(event, base)]
            if not strangers:
                self.own["Event"] = event
                return self.own["Event"]
            return self._define("Event", (event, *strangers), original=event)
        return self._define("Event", tuple(inherited)) if inherited else None

    def _inherited(self) -> dict[str, EventClass]:
        """Return what the bases define, the nearest of each name; a copy is no definition."""
        bases: list[Any] = [base for base in self.cls.__mro__ if hasattr(base, "__definition__")]
        return {
            name: value
            for base in reversed(bases[1:])
            for name, value in vars(base).items()
            if name not in {"Event", *self.own, *self.body, *base.__definition__.copies}
            and _is_nested_event_class(name, value)
        }

    def _define_copy(self, name: str, original: EventClass) -> None:
        # Bases that have copies of their own are ancestors too.
        copies: list[Any] = [getattr(base, name, None) for base in self.cls.__bases__]
        parents = _most_derived(
            [copy for copy in copies if isinstance(copy, type) and issubclass(copy, original)]
            or [original]
        )
        kin = [each for parent in parents for each in self._kin(parent)]
        made = self._define(name, (*parents, *_most_derived(kin)), original=original)
        for parent in parents:
            self.successors[parent] = made
        self.copies.add(name)

    def _kin(self, original: EventClass) -> list[EventClass]:
        # What replaces the original is related to what replaces the original's bases.
        kin = [self.successors[base] for base in original.__mro__[1:] if base in self.successors]
        if self.event is not None and not issubclass(original, self.event):
            kin.append(self.event)
        return _most_derived(kin)

    def _refuse_second(self, name: str) -> None:
        if name in self.own or name in self.body:
            raise TypeError(
                f"{name} event already defined on {self.cls.__qualname__}. Give another name."
            )

    def _define(
        self,
        name: str,
        bases: tuple[type, ...],
        annotations: Mapping[str, Any] | None = None,
        topic: str | None = None,
        original: EventClass | None = None,
    ) -> EventClass:
        namespace: dict[str, Any] = {
            "__module__": self.cls.__module__,
            "__qualname__": f"{self.cls.__qualname__}.{name}",
        }
        if annotations:
            namespace["__annotations__"] = dict(annotations)
        if original is not None and name in self.body:
            topic = vars(original).get("TOPIC")
        if topic is not None:
            namespace["TOPIC"] = topic
        if original is not None:
            namespace["__doc__"] = original.__doc__
        made: EventClass = new_class(name, bases, exec_body=lambda body: body.update(namespace))
        if original is not None:
            self.successors[original] = made
        self.own[name] = made
        setattr(self.cls, name, made)
        return made


def is_event_class(value: Any) -> bool:
    """Tell whether a value is a class of events that change aggregates."""
    return isinstance(value, type) and issubclass(value, CanMutateAggregate)


def _is_nested_event_class(name: str, value: Any) -> bool:
    return name[:1].isupper() and is_event_class(value)


def _most_derived(classes: list[EventClass]) -> list[EventClass]:
    unique = list(dict.fromkeys(classes))
    return [
        cls
        for cls in unique
        if not any(issubclass(other, cls) for other in unique if other is not cls)
    ]


def _annotations(parameters: Parameters) -> dict[str, Any]:
    """Return the fields of an event that holds the parameters."""
    method = parameters.func.__qualname__
    if parameters.positional_only:
        raise TypeError(
            f"{method}() has positional-only parameters "
            f"({', '.join(parameters.positional_only)}, /), but an event has names for its "
            f"values. Remove the '/', or define an event class and give it to @event."
        )
    for parameter in parameters.all:
        if parameter.kind is Parameter.VAR_POSITIONAL:
            raise TypeError(
                f"{method}() has variable positional parameters (*{parameter.name}), but an event "
                f"has a name for each value. Name the parameters."
            )
        if parameter.name in _GIVEN or hasattr(DecoratedFuncCaller, parameter.name):
            raise TypeError(
                f"{method}() has a parameter '{parameter.name}', which is an attribute of each "
                f"event already. Rename the parameter."
            )
    if parameters.takes_any_name:
        raise TypeError(
            f"{method}() has variable keyword parameters (**), but an event has fields with "
            f"fixed names. Name the parameters."
        )
    return {p.name: _annotation(p) for p in parameters.all if p.name != "timestamp"}


def _annotation(parameter: Parameter) -> Any:
    annotation = parameter.annotation
    if isinstance(annotation, InitVar):
        return annotation.type
    if annotation is Parameter.empty or (
        isinstance(annotation, str) and ("InitVar" in annotation or "ClassVar" in annotation)
    ):
        return Any
    return annotation
