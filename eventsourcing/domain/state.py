"""State: the values of an event by name, and the event that is made of them again."""

from dataclasses import MISSING, fields, is_dataclass
from inspect import ismemberdescriptor
from typing import Any

__all__ = ["event_from_state", "event_state", "made_without_constructor", "values_of"]


def event_state(event: Any) -> dict[str, Any]:
    """Return the event's values by name, in a dictionary that the caller may change."""
    as_dict = getattr(event, "_as_dict", None)
    return values_of(event) if as_dict is None else dict(as_dict())


def event_from_state(cls: Any, state: dict[str, Any]) -> Any:
    """
    Return the event of the class that has the values of the state.

    The class says how, by ``_from_dict()``. For one that does not, such as a plain dataclass, it
    is done without the constructor.
    """
    from_dict = getattr(cls, "_from_dict", None)
    return made_without_constructor(cls, state) if from_dict is None else from_dict(state)


def values_of(obj: Any) -> dict[str, Any]:
    """Return what an object holds, by name; fields of a dataclass may be in slots."""
    values = dict(getattr(obj, "__dict__", {}))
    for name in _field_names(type(obj)):
        if name not in values:
            values[name] = getattr(obj, name)
    return values


def made_without_constructor(cls: type[Any], state: dict[str, Any]) -> Any:
    """
    Return an instance that has the values of the state as its attributes.

    Raise ``ValueError`` if the state lacks a field.
    """
    # The constructor is for new events: it would check, and default, what happened long ago.
    missing = [name for name in _field_names(cls) if name not in state]
    if missing:
        raise ValueError(f"the state lacks {', '.join(sorted(missing))}")
    made = object.__new__(cls)
    attributes = getattr(made, "__dict__", None)
    for name, value in state.items():
        if attributes is None or ismemberdescriptor(getattr(cls, name, None)):
            object.__setattr__(made, name, value)
        else:
            attributes[name] = value
    return made


def _field_names(cls: type[Any]) -> list[str]:
    """Return the fields of a dataclass that an instance holds itself."""
    if not is_dataclass(cls):
        return []
    return [f.name for f in fields(cls) if f.init or f.default is MISSING]
