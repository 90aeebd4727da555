"""Asynchronous calls: functions that block, called from async code in another thread."""

import functools
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeVar, cast

__all__ = ["ToAsync", "is_async", "read_in_full", "to_async"]

P = ParamSpec("P")
R = TypeVar("R")

ToAsync = Callable[[Callable[..., Any]], Callable[..., Coroutine[Any, Any, Any]]]
"""Takes a function, and returns its async form."""


def to_async(func: Callable[P, R], /) -> Callable[P, Coroutine[Any, Any, R]]:
    """
    Return the async form of a function: it is called in a thread of the event loop's own.

    Context variables are seen there. Where the function returns an iterator, its items are read
    in the thread, so that to go through them blocks nobody. Raise ``TypeError`` for a function
    that is async already.
    """
    in_thread = read_in_full(func)

    @functools.wraps(func)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        # To import it takes a third of what the core takes, and whoever calls this has it.
        import asyncio

        return await asyncio.to_thread(in_thread, *args, **kwargs)

    return call


def read_in_full(func: Callable[P, R]) -> Callable[P, R]:
    """Return the function, but for iterators: their items have been read when it returns."""
    if is_async(func):
        name = getattr(func, "__qualname__", repr(func))
        raise TypeError(f"{name} is async already. Call it as it is.")

    @functools.wraps(func)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        result: Any = func(*args, **kwargs)
        # Files and subscriptions are iterators, too, but endless, or for their callers to close.
        is_lazy = isinstance(result, Iterator) and not isinstance(result, AbstractContextManager)
        return cast(R, iter(list(result))) if is_lazy else result

    return call


def is_async(func: Callable[..., Any]) -> bool:
    """Tell whether what the function returns is for async code to use."""
    import inspect

    return inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func)
