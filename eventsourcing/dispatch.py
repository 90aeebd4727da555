"""Dispatch: methods that choose what to do by the class of their argument."""

import functools
import threading
from collections.abc import Callable
from types import UnionType
from typing import (
    Any,
    Generic,
    Self,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

__all__ = ["singledispatchmethod"]

_R = TypeVar("_R")
_F = TypeVar("_F", bound=Callable[..., Any])


class singledispatchmethod(Generic[_R]):  # noqa: N801
    """
    Make a method choose an implementation by the class of its first argument after ``self``.

    It is used as ``functools.singledispatchmethod`` is. In addition, an implementation that is
    registered by its annotation may name a class that is not defined yet: the name is looked up
    when the method is first used.
    """

    def __init__(self, func: Callable[..., _R]) -> None:
        self.func = func
        self.dispatcher = functools.singledispatch(func)
        self._deferred: list[Callable[..., Any]] = []
        # What has been asked for, by class: the dispatcher's own cache is slower.
        self._found: dict[type[Any], Callable[..., Any]] = {}
        # Of classes that are registered with an abstract one, only the dispatcher hears.
        self._has_abstract = False
        self._lock = threading.Lock()
        self.__doc__ = func.__doc__

    @overload
    def register(self, cls: type[Any] | UnionType, method: None = None) -> Callable[[_F], _F]: ...

    @overload
    def register(self, cls: type[Any] | UnionType, method: _F) -> _F: ...

    @overload
    def register(self, cls: _F, method: None = None) -> _F: ...

    def register(self, cls: Any, method: Any = None) -> Any:
        """
        Add an implementation for a class, or for each class of a union.

        As a decorator, give the class, or annotate the first argument after ``self``.
        """
        if method is not None:
            self._add(cls, method)
            return method
        if _is_dispatchable(cls):
            return lambda method: self.register(cls, method)
        self._register_annotated(cls)
        return cls

    def __get__(self, obj: Any, owner: type[Any] | None = None) -> Callable[..., _R]:
        return _BoundMethod(self, obj, owner)

    def implementation_for(self, cls: type[Any]) -> Callable[..., Any]:
        """Return what is called for an instance of the class; ``func`` if nothing is registered."""
        found = self._found.get(cls)
        if found is None:
            if self._deferred:
                self._resolve_deferred()
            found = self.dispatcher.dispatch(cls)
            if not self._has_abstract:
                self._found[cls] = found
        return found

    @property
    def __isabstractmethod__(self) -> bool:
        return getattr(self.func, "__isabstractmethod__", False)

    @property
    def _name(self) -> str:
        return getattr(self.func, "__name__", "singledispatchmethod")

    def _add(self, cls: Any, method: Callable[..., Any]) -> None:
        for each in _classes(cls):
            self.dispatcher.register(each, method)
            self._has_abstract = self._has_abstract or hasattr(each, "__abstractmethods__")
        self._found.clear()

    def _register_annotated(self, method: Callable[..., Any]) -> None:
        try:
            cls = _annotated_class(method, self._name)
        except (NameError, AttributeError):
            self._deferred.append(method)
        else:
            self._add(cls, method)

    def _resolve_deferred(self) -> None:
        with self._lock:
            while self._deferred:
                method = self._deferred[0]
                try:
                    cls = _annotated_class(method, self._name)
                except (NameError, AttributeError) as error:
                    raise TypeError(
                        f"{self._name}() cannot register {_qualname(method)}(): its annotation "
                        f"cannot be resolved: {error}. "
                        f"Give the class instead: @{self._name}.register(Class)."
                    ) from error
                self._add(cls, method)
                # Only now, so that no other thread goes on without it.
                self._deferred.pop(0)


class _BoundMethod(Generic[_R]):  # The method of an object, or of a class, as it is called.
    __slots__ = ("_method", "_obj", "_owner")

    def __init__(self, method: singledispatchmethod[_R], obj: Any, owner: type[Any] | None) -> None:
        self._method = method
        self._obj = obj
        self._owner = owner

    def __call__(self, *args: Any, **kwargs: Any) -> _R:
        if not args:
            raise TypeError(f"{self._method._name}() requires at least 1 positional argument")
        implementation: Any = self._method.implementation_for(type(args[0]))
        result: _R = implementation.__get__(self._obj, self._owner)(*args, **kwargs)
        return result

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self._method.func.__doc__

    @property
    def register(self) -> Any:
        """Adds an implementation, as that of the method does."""
        return self._method.register

    @property
    def __self__(self) -> Any:
        return self._obj

    @property
    def __func__(self) -> Any:
        return self._method.func

    @property
    def __wrapped__(self) -> Any:
        return self._method.func

    def __getattr__(self, name: str) -> Any:
        return getattr(self._method.func, name)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        # As functions are: what it is of is not copied.
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _BoundMethod):
            return NotImplemented
        return self._method is other._method and self._obj is other._obj

    def __hash__(self) -> int:
        return hash((id(self._method), id(self._obj)))


def _annotated_class(method: Callable[..., Any], name: str) -> Any:
    import inspect

    function = inspect.unwrap(getattr(method, "__func__", method))
    annotated = getattr(function, "__annotations__", None) or {}
    # self is passed over, unless the method is static.
    start = 0 if isinstance(method, staticmethod) else 1
    parameters = list(getattr(function, "__code__", _NoCode).co_varnames)[start : start + 1]
    if not parameters or parameters[0] not in annotated:
        raise TypeError(
            f"Invalid first argument to {name}.register(): {method!r}. Give a class, or "
            f"annotate the first argument of the method with one."
        )
    cls = get_type_hints(function)[parameters[0]]
    if not _is_dispatchable(cls):
        raise TypeError(
            f"Invalid annotation for '{parameters[0]}' of {_qualname(method)}(): "
            f"{cls!r} is not a class."
        )
    return cls


class _NoCode:
    co_varnames: tuple[str, ...] = ()


def _qualname(method: Any) -> str:
    return str(getattr(method, "__qualname__", method))


def _classes(cls: Any) -> tuple[Any, ...]:
    if _is_union(cls):
        return tuple(each for member in get_args(cls) for each in _classes(member))
    if not isinstance(cls, type):
        raise TypeError(f"Invalid first argument to register(): {cls!r} is not a class.")
    return (cls,)


def _is_dispatchable(cls: Any) -> bool:
    if _is_union(cls):
        return all(_is_dispatchable(member) for member in get_args(cls))
    return isinstance(cls, type) and get_origin(cls) is None


def _is_union(cls: Any) -> bool:
    return get_origin(cls) in (Union, UnionType)
