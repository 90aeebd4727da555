"""Event details: what the code says of a class of events, and of who does something about it."""

import inspect
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django_eventsourcing.catalogue import EventClass
from django_eventsourcing.registry import ConfiguredSystem
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate

__all__ = ["EventDetails", "EventField", "Handler", "details_of", "takers_of_all"]

# By these, followers are told of events.
_METHODS = ("policy", "process_event")
_UPCASTER = re.compile(r"upcast_v(\d+)_v(\d+)")


@dataclass(frozen=True, kw_only=True)
class EventField:
    """A value that events of a class have of their own."""

    name: str
    type: str
    """Its annotation, as text; empty if it has none."""


@dataclass(frozen=True, kw_only=True)
class Handler:
    """What a follower does about events of a class."""

    system: str
    follower: str
    method: str
    """The name of the function, and the line on which it is defined."""


@dataclass(frozen=True, kw_only=True)
class EventDetails:
    """What the code says of a class of events."""

    event_class: EventClass
    version: int
    upcasters: Sequence[str]
    """Which versions it can bring to the next one: ``1 → 2``."""
    missing: Sequence[str]
    """Those which it should and cannot, so that older events are unreadable."""
    fields: Sequence[EventField]
    handlers: Sequence[Handler]


def details_of(event_class: EventClass, systems: Iterable[ConfiguredSystem]) -> EventDetails:
    """Return what the code says; nothing is imported, and no application is built."""
    cls = event_class.cls
    version = getattr(cls, "class_version", 1)
    found = [name for name in dir(cls) if _UPCASTER.fullmatch(name)]
    steps = {f"upcast_v{n}_v{n + 1}" for n in range(1, version)}
    return EventDetails(
        event_class=event_class,
        version=version,
        upcasters=[_step(name) for name in sorted(found, key=_number)],
        missing=[_step(name) for name in sorted(steps.difference(found), key=_number)],
        fields=[EventField(name=name, type=type_) for name, type_ in _fields(cls).items()],
        handlers=[handler for system in systems for handler in _handlers(system, cls)],
    )


def takers_of_all(systems: Iterable[ConfiguredSystem]) -> list[tuple[str, str]]:
    """Return the systems and followers that choose by other means than the class of an event."""
    return [
        (system.alias, name)
        for system in systems
        for name in system.system.followers
        if not _dispatchers(system.class_of(name))
    ]


def _fields(cls: type[Any]) -> dict[str, str]:
    """Return the annotated names of the class and its bases, but for those of the core's own."""
    common = {name for base in Aggregate.Created.__mro__ for name in _annotations(base)}
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if not base.__module__.startswith(("eventsourcing.", "pydantic", "msgspec")):
            found.update(_annotations(base))
    return {
        name: type_
        for name, type_ in found.items()
        if name not in common and not name.startswith("_") and "ClassVar" not in type_
    }


def _annotations(cls: type[Any]) -> dict[str, str]:
    return {
        name: each if isinstance(each, str) else _name(each)
        for name, each in inspect.get_annotations(cls).items()
    }


def _name(annotation: Any) -> str:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")


def _handlers(system: ConfiguredSystem, cls: type[Any]) -> Iterable[Handler]:
    for name in system.system.followers:
        for dispatcher in _dispatchers(system.class_of(name)):
            function: Any = dispatcher.implementation_for(cls)
            if function is not dispatcher.func:
                line = inspect.unwrap(getattr(function, "__func__", function)).__code__
                yield Handler(
                    system=system.alias,
                    follower=name,
                    method=f"{dispatcher.func.__name__}(), line {line.co_firstlineno}",
                )


def _dispatchers(follower: type[Any]) -> list[singledispatchmethod[Any]]:
    found = (inspect.getattr_static(follower, name, None) for name in _METHODS)
    return [each for each in found if isinstance(each, singledispatchmethod)]


def _step(name: str) -> str:
    match = _UPCASTER.fullmatch(name)
    return f"{match[1]} → {match[2]}" if match else name


def _number(name: str) -> int:
    match = _UPCASTER.fullmatch(name)
    return int(match[1]) if match else 0
