"""Explicit topics: where a class of aggregates states its topic, its events state theirs."""

from collections.abc import Mapping

from eventsourcing.domain.definition import EventClass
from eventsourcing.domain.errors import ProgrammingError
from eventsourcing.topics import register_topic

__all__ = ["register_explicit_topics", "require_explicit_topic"]


def register_explicit_topics(cls: type, event_classes: Mapping[str, EventClass]) -> None:
    """Register the topics of an aggregate's class and its events; none may lack or share one."""
    owners: dict[str, type] = {}
    for name, event_class in {cls.__name__: cls, **event_classes}.items():
        topic = vars(event_class).get("TOPIC")
        if name == "Event" and topic is None:
            continue
        if not isinstance(topic, str):
            raise ProgrammingError(
                f"{cls.__qualname__} has an explicit TOPIC, but its event class {name} has none. "
                f"Set TOPIC on {name}, or give @event a topic."
            )
        if topic in owners:
            raise ProgrammingError(
                f"TOPIC '{topic}' of {event_class.__qualname__} is the TOPIC of "
                f"{owners[topic].__qualname__} too. Give each its own."
            )
        owners[topic] = event_class
    for topic, owner in owners.items():
        register_topic(topic, owner)


def require_explicit_topic(cls: type, event_class: type) -> None:
    """Refuse an event without topic of its own, on an aggregate that has an explicit one."""
    if "TOPIC" not in vars(event_class):
        raise ProgrammingError(
            f"{cls.__qualname__} has an explicit TOPIC, so it can't trigger "
            f"{event_class.__qualname__}, which has none. Set TOPIC on it."
        )
