"""State: the values of an event by name, and the event that is made of them again."""

from typing import Any

__all__ = ["event_from_state", "event_state", "made_without_constructor"]


def event_state(event: Any) -> dict[str, Any]:
    """Return the event's values by name, in a dictionary that the caller may change."""
    as_dict = getattr(event, "_as_dict", None)
    return dict(vars(event) if as_dict is None else as_dict())


def event_from_state(cls: Any, state: dict[str, Any]) -> Any:
    """
    Return the event of the class that has the values of the state.

    The class says how, by ``_from_dict()``. For one that does not, such as a plain dataclass, it
    is done without the constructor.
    """
    from_dict = getattr(cls, "_from_dict", None)
    return made_without_constructor(cls, state) if from_dict is None else from_dict(state)


def made_without_constructor(cls: type[Any], state: dict[str, Any]) -> Any:
    """
    Return an instance that has the values of the state as its attributes.

    Raise ``ValueError`` if the state lacks a field.
    """
    # The constructor is for new events: it would check, and default, what happened long ago.
    missing = getattr(cls, "__dataclass_fields__", {}).keys() - state.keys()
    if missing:
        raise ValueError(f"the state lacks {', '.join(sorted(missing))}")
    made = object.__new__(cls)
    vars(made).update(state)
    return made
