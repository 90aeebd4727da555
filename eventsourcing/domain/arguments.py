"""Arguments: binding a call to the names of a method, before the method is called."""

import copy
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from typing import Any

from eventsourcing.domain.fields import default_factory_mark, signature_of

__all__ = ["CONTAINERS", "Parameters", "detached"]

_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class Parameters:
    """The parameters of a method, without ``self``."""

    def __init__(
        self,
        func: Callable[..., Any],
        factories: Mapping[str, Callable[[], Any]] | None = None,
        *,
        has_self: bool = True,
    ) -> None:
        self.func = func
        self.offset = int(has_self)
        # __init__ of a class that defines none takes nothing.
        found = [] if func is object.__init__ else list(signature_of(func).parameters.values())
        self.all = [p for p in found[self.offset :] if p.kind is not Parameter.VAR_KEYWORD]
        self.any_name = [p for p in found if p.kind is Parameter.VAR_KEYWORD]
        self.takes_any_name = bool(self.any_name)
        self.positional = [p.name for p in self.all if p.kind in _POSITIONAL]
        self.keyword_only = [p.name for p in self.all if p.kind is Parameter.KEYWORD_ONLY]
        self.positional_only = [p.name for p in self.all if p.kind is Parameter.POSITIONAL_ONLY]
        self.takes_any_position = any(p.kind is Parameter.VAR_POSITIONAL for p in self.all)
        self.in_order = tuple(self.positional + self.keyword_only)
        self.names = frozenset(self.in_order)
        self.takes_all_by_name = not (self.positional_only or self.takes_any_name)
        self.are_positional = not (
            self.keyword_only or self.takes_any_name or self.takes_any_position
        )
        self.defaults = {p.name: p.default for p in self.all if p.default is not Parameter.empty}
        self.factories = {
            name: factory
            for name, factory in (factories or {}).items()
            if self.defaults.get(name) is default_factory_mark()
        }

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return the values of a call by name, defaults included.

        Raise ``TypeError``, with the words of Python itself, if the call does not fit.
        """
        values = dict(zip(self.positional, args))  # noqa: B905 - it takes a third of the time
        if not kwargs and self.are_positional and len(args) == len(self.positional):
            return values
        for name, value in kwargs.items():
            if name in values:
                raise self._error(f"got multiple values for argument '{name}'")
            if name not in self.names and not self.takes_any_name:
                raise self._error(f"got an unexpected keyword argument '{name}'")
            values[name] = value
        if len(args) > len(self.positional) and not self.takes_any_position:
            raise self._too_many(len(args), values)
        for names, kind in (
            (self.positional, "positional"),
            (self.keyword_only, "keyword-only"),
        ):
            missing = [n for n in names if n not in values and n not in self.defaults]
            if missing:
                raise self._missing(missing, kind)
        for name, default in self.defaults.items():
            if name not in values:
                factory = self.factories.get(name)
                values[name] = factory() if factory else default
        return values

    def select(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the values that the method names."""
        if self.takes_any_name:
            return dict(values)
        return {name: value for name, value in values.items() if name in self.names}

    def call(self, target: Any, values: Mapping[str, Any]) -> None:
        """
        Call the method on ``target`` with those of the values that it names.

        Containers are copied, so that what the method keeps and changes later is its own.
        """
        if self.takes_all_by_name:
            selected = {}
            for name in self.in_order:
                if name in values:
                    value = values[name]
                    selected[name] = detached(value) if type(value) in CONTAINERS else value
            self.func(target, **selected)
            return
        kwargs = {name: detached(value) for name, value in self.select(values).items()}
        args = [kwargs.pop(name) for name in self.positional_only if name in kwargs]
        self.func(target, *args, **kwargs)

    def _error(self, text: str) -> TypeError:
        return TypeError(f"{self.func.__qualname__}() {text}")

    def _missing(self, names: list[str], kind: str) -> TypeError:
        plural = "s" if len(names) > 1 else ""
        return self._error(
            f"missing {len(names)} required {kind} argument{plural}: {_enumeration(names)}"
        )

    def _too_many(self, given: int, values: Mapping[str, Any]) -> TypeError:
        most = len(self.positional) + self.offset
        least = most - sum(name in self.defaults for name in self.positional)
        takes = f"{most}" if least == most else f"from {least} to {most}"
        plural = "" if most == 1 and least == most else "s"
        given += self.offset
        named = sum(name in values for name in self.keyword_only)
        if named:
            were = (
                f"{given} positional argument{'s' if given != 1 else ''} "
                f"(and {named} keyword-only argument{'s' if named != 1 else ''}) were given"
            )
        else:
            were = f"{given} {'was' if given == 1 else 'were'} given"
        return self._error(f"takes {takes} positional argument{plural} but {were}")


def detached(value: Any) -> Any:
    """Return a copy of a built-in container, and anything else as it is."""
    return copy.deepcopy(value) if type(value) in CONTAINERS else value


CONTAINERS = frozenset({list, dict, set, bytearray})
"""The types of values that whoever holds them can change."""


def _enumeration(names: list[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    if len(quoted) > 2:
        return f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
    return " and ".join(quoted)
