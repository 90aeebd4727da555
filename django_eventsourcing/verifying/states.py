"""States: whether two aggregates are the same, whatever they consist of."""

from dataclasses import is_dataclass
from typing import Any

from eventsourcing.domain.state import values_of

__all__ = ["differing"]


def differing(one: Any, other: Any) -> list[str]:
    """Return the names of the attributes that differ; ``class``, if the classes do."""
    if type(one) is not type(other):
        return ["class"]
    mine, others = values_of(one), values_of(other)
    names = dict.fromkeys([*mine, *others])
    return [name.lstrip("_") for name in names if not _same(mine, others, name)]


def _same(mine: dict[str, Any], others: dict[str, Any], name: str) -> bool:
    if name not in mine or name not in others:
        return False
    one, other = mine[name], others[name]
    return bool(one == other) or _plain(one) == _plain(other)


def _plain(value: Any, above: tuple[int, ...] = ()) -> Any:
    """Return the value with objects, which may know no equality, as what they hold."""
    if id(value) in above:
        return "…"
    above = (*above, id(value))
    if isinstance(value, dict):
        return {key: _plain(item, above) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [_plain(item, above) for item in value]
    values = values_of(value)
    if values and (is_dataclass(value) or not _knows_equality(value)):
        return type(value), {name: _plain(item, above) for name, item in values.items()}
    return value


def _knows_equality(value: Any) -> bool:
    return any("__eq__" in vars(cls) for cls in type(value).__mro__[:-1])
