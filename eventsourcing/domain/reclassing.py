"""The decorator ``@aggregate``: makes an aggregate of a plain class."""

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, overload

from eventsourcing.domain.aggregate import Aggregate
from eventsourcing.domain.decorator import CommandMethodDecorator
from eventsourcing.domain.meta import MetaAggregate

__all__ = ["aggregate"]


@overload
def aggregate(cls: type, /) -> type[Aggregate]: ...


@overload
def aggregate(
    cls: None = None, /, *, created_event_name: str | None = None
) -> Callable[[type], type[Aggregate]]: ...


def aggregate(cls: Any = None, /, *, created_event_name: str | None = None) -> Any:
    """Make a plain class, a dataclass too, a subclass of ``Aggregate`` with the same body."""
    if cls is None:
        return lambda cls: _made_again(cls, created_event_name)
    return _made_again(cls, created_event_name)


def _made_again(cls: type, created_event_name: str | None) -> type[Aggregate]:
    if not isinstance(cls, type):
        raise TypeError(f"@aggregate got {cls!r}. Use it on a class.")
    if issubclass(cls, Aggregate):
        raise TypeError(f"{cls.__qualname__} is already an Aggregate. Remove @aggregate.")
    body = _body(cls)
    bases = (*(base for base in cls.__bases__ if base is not object), Aggregate)
    made = MetaAggregate(cls.__name__, bases, body, created_event_name=created_event_name)
    for value in body.values():
        _correct_super(value, cls, made)
    return made  # type: ignore[return-value]


def _body(cls: type) -> dict[str, Any]:
    # The descriptors of __dict__ and __weakref__ belong to the plain class.
    body = {
        name: value
        for name, value in vars(cls).items()
        if not (inspect.isgetsetdescriptor(value) or inspect.ismemberdescriptor(value))
        and name not in {"__slots__", "__annotations_cache__"}
    }
    body["__qualname__"] = cls.__qualname__
    if "__dataclass_params__" in body:
        # Aggregates compare, and show themselves, as aggregates.
        for name in ("__eq__", "__repr__"):
            if _is_generated(body.get(name)):
                del body[name]
        if "__eq__" not in body and body.get("__hash__") is None:
            body.pop("__hash__", None)
    return body


def _is_generated(value: Any) -> bool:
    code = getattr(inspect.unwrap(value), "__code__", None) if callable(value) else None
    return code is not None and code.co_filename == "<string>"


def _correct_super(value: Any, old: type, new: type) -> None:
    """Let ``super()`` without arguments find the new class in place of the old one."""
    for func in _functions(value):
        for name, cell in zip(func.__code__.co_freevars, func.__closure__ or (), strict=True):
            if name == "__class__" and cell.cell_contents is old:
                cell.cell_contents = new


def _functions(value: Any) -> list[FunctionType]:
    if isinstance(value, property):
        accessors = (value.fget, value.fset, value.fdel)
        return [func for accessor in accessors for func in _functions(accessor)]
    if isinstance(value, CommandMethodDecorator):
        return [value.func, *_functions(value.property)]
    func = getattr(value, "__func__", value)
    return [func] if isinstance(func, FunctionType) else []
