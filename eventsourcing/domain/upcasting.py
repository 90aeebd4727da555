"""Upcasting: bringing stored state to the present version of its class."""

from typing import Any

from eventsourcing.domain.errors import ProgrammingError

__all__ = ["upcast"]


def upcast(cls: type, state: dict[str, Any]) -> dict[str, Any]:
    """
    Bring state to the version of the class, by its ``upcast_v1_v2``, ``upcast_v2_v3``, and so on.

    The state is changed in place and returned. Its own version, ``class_version``, is taken out
    of it; without one it is version 1. A state of a later version than the class's is left alone.
    """
    present = state.pop("class_version", 1)
    for version in range(present, getattr(cls, "class_version", 1)):
        name = f"upcast_v{version}_v{version + 1}"
        step = getattr(cls, name, None)
        if step is None:
            raise ProgrammingError(
                f"{cls.__qualname__} has class_version {getattr(cls, 'class_version', 1)}, and a "
                f"stored state has version {version}. Define a static method {name}(state)."
            )
        step(state)
    return state
