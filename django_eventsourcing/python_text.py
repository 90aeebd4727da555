"""Python text: values written as the code that makes them."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from math import isfinite
from typing import Any
from uuid import UUID

from eventsourcing.domain.state import event_state, values_of

__all__ = ["NotWritableError", "event_expression", "literal"]

_WIDTH = 80
_PLAIN = (bool, int, str, bytes, type(None))


class NotWritableError(ValueError):
    """A value has no form in Python's text from which it could be made again."""


def literal(value: Any, indent: int = 0) -> str:
    """Return the text of a value of JSON's kinds; what is long has a line for each value."""
    return _Writer().write(value, indent)


def event_expression(event: Any) -> str:
    """
    Return imports and an expression that make the event, without asking its constructor.

    Raise ``NotWritableError`` if one of its values is of a kind that cannot be written.
    """
    writer = _Writer()
    made = writer.write(event_state(event), 0)
    text = f"{writer.import_of('eventsourcing.domain.state')}.event_from_state"
    text = f"{text}({writer.name_of(type(event))}, {made})"
    imports = "".join(f"import {module}\n" for module in sorted(writer.modules))
    return f"{imports}\n{text}\n"


class _Writer:
    """Writes values, and remembers the modules that their text needs."""

    def __init__(self) -> None:
        self.modules: set[str] = set()

    def import_of(self, module: str) -> str:
        self.modules.add(module)
        return module

    def name_of(self, cls: type) -> str:
        """Return the text that names the class."""
        if not all(part.isidentifier() for part in cls.__qualname__.split(".")):
            raise NotWritableError(
                f"{cls.__qualname__} of {cls.__module__} cannot be imported, so that no text can "
                f"name it."
            )
        if cls.__module__ == "builtins":
            return cls.__qualname__
        return f"{self.import_of(cls.__module__)}.{cls.__qualname__}"

    def write(self, value: Any, indent: int) -> str:
        kind = type(value)
        if kind in _PLAIN:
            return repr(value)
        if kind is float:
            return repr(value) if isfinite(value) else f"float({str(value)!r})"
        if kind is dict:
            return self._inner("{", self._items(value, indent), "}", indent)
        if kind in (list, tuple):
            return self._sequence(value, indent)
        if kind in (set, frozenset):
            inner = self.write(sorted(value, key=repr), indent)
            return f"{kind.__name__}({inner})"
        if isinstance(value, type):
            return self.name_of(value)
        return self._made(value, indent)

    def _made(self, value: Any, indent: int) -> str:
        kind = type(value)
        name = self.name_of(kind)
        if isinstance(value, Flag) or (isinstance(value, Enum) and value.name is None):
            return f"{name}({self.write(value.value, indent)})"
        if isinstance(value, Enum):
            return f"{name}[{value.name!r}]"
        if kind in (UUID, Decimal):
            return f"{name}({str(value)!r})"
        if kind in (datetime, date, time):
            return f"{name}.fromisoformat({value.isoformat()!r})"
        if kind is timedelta:
            parts = f"days={value.days}, seconds={value.seconds}"
            return f"{name}({parts}, microseconds={value.microseconds})"
        if isinstance(value, int | float | str | bytes | list | tuple | Mapping):
            raise NotWritableError(f"A value of {kind.__qualname__} cannot be written as Python.")
        values = values_of(value)
        if not values:
            raise NotWritableError(f"A value of {kind.__qualname__} cannot be written as Python.")
        maker = f"{self.import_of('eventsourcing.domain.state')}.made_without_constructor"
        return f"{maker}({name}, {self.write(values, indent)})"

    def _sequence(self, value: Any, indent: int) -> str:
        inner = [self.write(each, indent + 4) for each in value]
        if isinstance(value, tuple):
            comma = "," if len(inner) == 1 else ""
            return f"({', '.join(inner)}{comma})"
        return self._inner("[", inner, "]", indent)

    def _items(self, value: dict[Any, Any], indent: int) -> Iterator[str]:
        for key, each in value.items():
            yield f"{self.write(key, indent + 4)}: {self.write(each, indent + 4)}"

    def _inner(self, opening: str, parts: Any, closing: str, indent: int) -> str:
        parts = list(parts)
        line = f"{opening}{', '.join(parts)}{closing}"
        if len(line) + indent <= _WIDTH and "\n" not in line:
            return line
        margin = "\n" + " " * (indent + 4)
        return f"{opening}{margin}{f',{margin}'.join(parts)},\n{' ' * indent}{closing}"
