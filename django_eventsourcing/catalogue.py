"""The catalogue: the classes of events that the project's code defines, with their topics."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eventsourcing.domain import CanMutateAggregate, CanSnapshotAggregate, DomainEvent
from eventsourcing.topics import construct_topic

__all__ = ["EventClass", "event_classes", "topics_named"]


@dataclass(frozen=True, kw_only=True, order=True)
class EventClass:
    """A class of events, under the topic by which its events are stored."""

    module: str
    name: str
    """The qualified name: ``Dog.TrickAdded``."""
    topic: str

    @property
    def cls(self) -> type[Any]:
        """The class itself."""
        found = _found(self.module, self.name)
        if not isinstance(found, type):
            raise LookupError(f"{self.module} has no class {self.name}.")
        return found


def event_classes() -> list[EventClass]:
    """Return the importable classes of events, in the order of their modules and names."""
    return sorted(
        _entry(cls)
        for cls in _subclasses(DomainEvent, CanMutateAggregate)
        if not issubclass(cls, CanSnapshotAggregate) and _is_importable(cls)
    )


def topics_named(text: str) -> list[str]:
    """
    Return the topics of the classes of events that have this name, or one that ends with it.

    The end begins at a dot. A whole topic, which has a colon, need not be that of a class.
    """
    if ":" in text:
        return [text]
    topics = (each.topic for each in event_classes())
    return [topic for topic in topics if f".{topic.rpartition(':')[2]}".endswith(f".{text}")]


def _subclasses(*roots: type) -> Iterator[type]:
    seen: set[type] = set()
    rest: list[type] = list(roots)
    while rest:
        subclasses: list[type] = rest.pop().__subclasses__()
        for cls in subclasses:
            if cls not in seen:
                seen.add(cls)
                rest.append(cls)
                yield cls


def _entry(cls: type) -> EventClass:
    return EventClass(module=cls.__module__, name=cls.__qualname__, topic=construct_topic(cls))


def _is_importable(cls: type) -> bool:
    """Tell whether the class is found where it says it is, as no class in a function is."""
    return _found(cls.__module__, cls.__qualname__) is cls


def _found(module: str, qualified_name: str) -> object:
    found: object = sys.modules.get(module)
    for name in qualified_name.split("."):
        found = getattr(found, name, None)
    return found
