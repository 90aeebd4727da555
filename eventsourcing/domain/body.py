"""The body of an aggregate's class: the methods in it that are decorated."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, cast

from eventsourcing.domain.decorator import CommandMethodDecorator
from eventsourcing.domain.definition import EventClass
from eventsourcing.domain.event_classes import is_event_class

__all__ = ["Body", "Decorators"]


class Body(dict[str, Any]):
    """The body of a class, which keeps all decorated methods called ``_``."""

    def __init__(self) -> None:
        super().__init__()
        self.projections: list[CommandMethodDecorator] = []

    def __setitem__(self, name: str, value: Any) -> None:
        if name == "_" and isinstance(value, CommandMethodDecorator):
            self.projections.append(value)
        super().__setitem__(name, value)


class Decorators:
    """The methods under ``@event`` in the body of a class."""

    def __init__(self, cls: type, body: Mapping[str, Any]) -> None:
        self.cls = cls
        self.init: CommandMethodDecorator | None = None
        self.methods: dict[str, CommandMethodDecorator] = {}
        self.setters: dict[str, tuple[property, CommandMethodDecorator]] = {}
        self.projections = list(getattr(body, "projections", ()))
        for name, value in {**_mixed_in(cls), **body}.items():
            if isinstance(value, property):
                self._add_property(name, value)
            elif isinstance(value, CommandMethodDecorator):
                self._add(name, value)
        self._refuse_nameless()

    def __iter__(self) -> Iterator[CommandMethodDecorator]:
        """Iterate over those that are not ``__init__``, each once."""
        setters = (decorator for _, decorator in self.setters.values())
        return iter(dict.fromkeys([*self.methods.values(), *setters, *self.projections]))

    def by_class(self) -> dict[EventClass, CommandMethodDecorator]:
        """Return those that were given a class, except ``__init__``, by that class."""
        found: dict[EventClass, CommandMethodDecorator] = {}
        if self.init is not None and is_event_class(self.init.event_spec):
            found[cast("EventClass", self.init.event_spec)] = self.init
        for decorator in self:
            spec = decorator.event_spec
            if spec is None or isinstance(spec, str):
                continue
            if spec in found:
                raise TypeError(
                    f"{spec.__qualname__} event class used in more than one decorator: on "
                    f"{found[spec].name}() and on {decorator.name}(). Give each its own class."
                )
            found[spec] = decorator
        return {cls: decorator for cls, decorator in found.items() if decorator is not self.init}

    def _add(self, name: str, decorator: CommandMethodDecorator) -> None:
        if name == "__init__":
            self.init = decorator
        elif name == "_":
            if decorator not in self.projections:
                self.projections.append(decorator)
        elif decorator.property is not None:
            self.setters[name] = (decorator.property, decorator)
        else:
            self.methods[name] = decorator

    def _add_property(self, name: str, value: Any) -> None:
        for accessor, kind in ((value.fget, "getter"), (value.fdel, "deleter")):
            if isinstance(accessor, CommandMethodDecorator):
                raise TypeError(
                    f"@event can't decorate {accessor.name}() property {kind}. Decorate the setter."
                )
        if isinstance(value.fset, CommandMethodDecorator):
            self.setters[name] = (value, value.fset)

    def _refuse_nameless(self) -> None:
        for _, decorator in self.setters.values():
            if decorator.event_spec is None and decorator not in self.methods.values():
                raise decorator.nameless_setter()
        for decorator in self.projections:
            if decorator.event_spec is None:
                raise TypeError(
                    f"@event on a method '_' of {self.cls.__qualname__} requires event name or "
                    f"class."
                )


def _mixed_in(cls: type) -> dict[str, Any]:
    """Return what is decorated in bases that are not aggregates, and not replaced by others."""
    return {
        name: value
        for base in cls.__mro__
        if not hasattr(base, "__definition__")
        for name, value in vars(base).items()
        if _is_decorated(value) and inspect.getattr_static(cls, name) is value
    }


def _is_decorated(value: Any) -> bool:
    if isinstance(value, property):
        return isinstance(value.fset, CommandMethodDecorator)
    return isinstance(value, CommandMethodDecorator)
