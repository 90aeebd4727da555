"""Topics: the text under which a class is stored, and found again."""

import importlib
import sys
from types import ModuleType
from typing import Any

from eventsourcing.exceptions import EventSourcingError

__all__ = [
    "TopicError",
    "clear_topic_cache",
    "construct_topic",
    "get_topic",
    "register_topic",
    "renew_topic",
    "resolve_topic",
]


class TopicError(EventSourcingError):
    """A topic cannot be resolved, or stands for something else already."""


# What register_topic() was told, and what has been found: the second is only a cache of imports.
_registered: dict[str, Any] = {}
_found: dict[str, Any] = {}


def get_topic(cls: type) -> str:
    """
    Return the topic of a class, and remember the class by it.

    A class that cannot be imported, because it is defined within a function or a console
    session, can thereby be resolved for as long as the process lives.
    """
    topic = construct_topic(cls)
    if _found.get(topic) is not cls:
        _refuse_second_owner(topic, cls)
        _found[topic] = cls
    return topic


def construct_topic(cls: type) -> str:
    """Return the class's own ``TOPIC`` if it states one, otherwise ``module:Qualified.Name``."""
    explicit = vars(cls).get("TOPIC")
    if isinstance(explicit, str):
        return explicit
    return f"{cls.__module__}:{cls.__qualname__}"


def resolve_topic(topic: str) -> Any:
    """
    Return the object that a topic stands for, importing its module if need be.

    Topics that were registered come first, also where they are the beginning of the one that is
    asked for: a class, a module or a package that has been renamed is registered once, and all
    that it contains is found. Raise ``TopicError`` if nothing is found.
    """
    try:
        return _registered[topic] if topic in _registered else _found[topic]
    except KeyError:
        found = _found[topic] = _resolve(topic)
        return found


def register_topic(topic: str, obj: Any) -> None:
    """
    Let a topic, for example one with an old name, stand for a class, module or package.

    Raise ``TopicError`` if it stands for another object already.
    """
    _refuse_second_owner(topic, obj)
    _registered[topic] = obj


def renew_topic(cls: type) -> None:
    """
    Let the topic of a class stand for it, if it stood for an earlier definition of the class.

    Called when a class is defined, so that what was stored before its module was loaded again is
    read as the class that is there now.
    """
    topic = construct_topic(cls)
    if topic in _found:
        _found[topic] = cls


def clear_topic_cache() -> None:
    """Forget all topics, those that were registered too."""
    _registered.clear()
    _found.clear()


def _refuse_second_owner(topic: str, obj: Any) -> None:
    owner = _registered.get(topic, obj)
    if owner is not obj and not _same_definition(owner, obj):
        raise TopicError(
            f"Topic '{topic}' is registered for {owner!r}, so it cannot stand for {obj!r} too. "
            f"Give one of them another name, or another TOPIC."
        )


def _same_definition(one: Any, other: Any) -> bool:
    # A module that is loaded again defines its classes again, and registers them again.
    return isinstance(one, type) and isinstance(other, type) and _path(one) == _path(other)


def _path(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


def _resolve(topic: str) -> Any:
    module_name, _, qualname = topic.partition(":")
    try:
        names = qualname.split(".") if qualname else []
        for length in range(len(names), 0, -1):
            prefix = f"{module_name}:{'.'.join(names[:length])}"
            if prefix in _registered:
                return _descend(_registered[prefix], names[length:])
        return _descend(_import(module_name), names)
    except (ImportError, AttributeError, ValueError) as error:
        raise TopicError(f"Topic '{topic}' cannot be resolved: {error}.") from error


def _descend(obj: Any, names: list[str]) -> Any:
    for name in names:
        obj = getattr(obj, name)
    return obj


def _import(name: str) -> ModuleType:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        renamed = _registered.get(".".join(parts[:length]))
        if isinstance(renamed, ModuleType):
            if length == len(parts):
                return renamed
            name = ".".join([renamed.__name__, *parts[length:]])
            break
    # A module may be known without being importable, as the main module is.
    return sys.modules.get(name) or importlib.import_module(name)
