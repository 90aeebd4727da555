"""Late names: what a package offers, and imports when it is asked for it."""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from eventsourcing.deprecation import warn_of_earlier_name

__all__ = ["late_names"]


def late_names(
    package: str,
    names: Mapping[str, Iterable[str]],
    *,
    earlier: Mapping[str, Any] | None = None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """
    Return ``__getattr__`` and ``__dir__`` of a package that has more names than it has imported.

    The names are given by the modules that they come from. ``earlier`` ones stand for their
    successors: each use warns with a ``DeprecationWarning`` that names the successor.
    """
    modules = {name: module for module, each in names.items() for name in each}
    successors = earlier or {}

    def get(name: str) -> Any:
        if name in modules:
            found = getattr(importlib.import_module(modules[name]), name)
            # It is the package's own from now on, and nobody asks here.
            setattr(sys.modules[package], name, found)
            return found
        if name in successors:
            warn_of_earlier_name(f"{package}.{name}", successors[name])
            return successors[name]
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names_of_all() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return get, names_of_all
