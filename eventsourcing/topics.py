"""Topics: the text under which a class is stored, and found again."""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from eventsourcing.exceptions import EventSourcingError

__all__ = [
    "TopicError",
    "clear_topic_cache",
    "construct_topic",
    "find_topic",
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
# The topics of classes that have been asked for: they are the same for as long as a class lives.
_topics: dict[type, str] = {}


def get_topic(cls: type) -> str:
    """
    Return the topic of a class, and remember the class by it.

    A class that cannot be imported, because it is defined within a function or a console
    session, can thereby be resolved for as long as the process lives.
    """
    topic = _topics.get(cls)
    if topic is None or _found.get(topic) is not cls:
        topic = construct_topic(cls)
        _refuse_second_owner(topic, cls)
        _found[topic] = cls
        _topics[cls] = topic
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
        found = _found[topic] = _resolve(topic, _imported, getattr)
        return found


def find_topic(topic: str) -> Any:
    """
    Return the object that a topic stands for, without importing anything.

    This is how topics are resolved that come from stored data: a record that was tampered with
    cannot have a module run. Raise ``TopicError`` also if the module has not been imported.
    """
    try:
        return _registered[topic] if topic in _registered else _found[topic]
    except KeyError:
        found = _found[topic] = _resolve(topic, _loaded, _member_at_hand)
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
    _topics.clear()


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


def _resolve(
    topic: str,
    module_named: Callable[[str], ModuleType],
    member: Callable[[Any, str], Any],
) -> Any:
    module_name, _, qualname = topic.partition(":")
    try:
        names = qualname.split(".") if qualname else []
        for length in range(len(names), 0, -1):
            prefix = f"{module_name}:{'.'.join(names[:length])}"
            if prefix in _registered:
                return _descend(_registered[prefix], names[length:], member)
        return _descend(module_named(_present_name(module_name)), names, member)
    except (ImportError, AttributeError, ValueError) as error:
        raise TopicError(f"Topic '{topic}' cannot be resolved: {error}.") from error


def _descend(obj: Any, names: list[str], member: Callable[[Any, str], Any]) -> Any:
    for name in names:
        if name.startswith("__"):
            raise AttributeError(f"'{name}' is not the name of a class")
        obj = member(obj, name)
    return obj


def _member_at_hand(obj: Any, name: str) -> Any:
    if not isinstance(obj, ModuleType):
        return getattr(obj, name)
    # The module's own __getattr__, which may import as well, is not asked.
    if name not in vars(obj):
        raise AttributeError(f"module '{obj.__name__}' has no attribute '{name}'")
    return vars(obj)[name]


def _present_name(name: str) -> str:
    """Return the name of a module, where it, or a package above it, was registered by another."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        renamed = _registered.get(".".join(parts[:length]))
        if isinstance(renamed, ModuleType):
            return ".".join([renamed.__name__, *parts[length:]])
    return name


def _imported(name: str) -> ModuleType:
    # A module may be known without being importable, as the main module is.
    return sys.modules.get(name) or importlib.import_module(name)


def _loaded(name: str) -> ModuleType:
    module = sys.modules.get(name)
    if module is None:
        raise ImportError(
            f"module '{name}' has not been imported, and stored data may not have it imported. "
            f"Import it where the application is defined, or register the topic"
        )
    return module
