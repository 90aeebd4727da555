"""Deprecation: earlier names that still work, and say what to write instead."""

import warnings
from typing import Any

__all__ = ["EarlierName", "warn_of_earlier_name"]


def warn_of_earlier_name(name: str, successor: Any) -> None:
    """Warn whoever has got the attribute of a module, by a ``__getattr__`` that calls this."""
    warnings.warn(
        f"{name} is deprecated. Use {successor.__name__}.", DeprecationWarning, stacklevel=3
    )


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
