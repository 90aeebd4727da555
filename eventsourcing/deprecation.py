"""Deprecation: earlier names that still work, and say what to write instead."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["EarlierName", "deprecated_names"]


def deprecated_names(module: str, names: Mapping[str, Any]) -> Callable[[str], Any]:
    """
    Return a ``__getattr__`` for a module, by which the earlier names stand for their successors.

    Each use warns with a ``DeprecationWarning`` that names the successor.
    """

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        successor = names[name]
        warnings.warn(
            f"{module}.{name} is deprecated. Use {successor.__name__}.",
            DeprecationWarning,
            stacklevel=2,
        )
        return successor

    return get


class EarlierName:
    """An earlier name of an attribute; a subclass, or an instance, may use it for its own."""

    def __init__(self, successor: str) -> None:
        self.successor = successor
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"{owner.__name__}.{name}"

    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:
            return self
        warnings.warn(
            f"{self.name} is deprecated. Use {self.successor}.", DeprecationWarning, stacklevel=2
        )
        return getattr(instance, self.successor)
