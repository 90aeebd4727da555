"""Retrying: calling a function again when it raises."""

import functools
import inspect
import random
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

__all__ = ["retry"]

P = ParamSpec("P")
R = TypeVar("R")


# An exception class is callable too, and is told from a function when the program runs.
@overload
def retry(exc: Callable[P, R], /) -> Callable[P, R]: ...  # type: ignore[overload-overlap]


@overload
def retry(
    exc: type[Exception] | tuple[type[Exception], ...] = Exception,
    max_attempts: int = 1,
    wait: float = 0,
    stall: float = 0,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def retry(exc: Any = Exception, max_attempts: Any = 1, wait: Any = 0, stall: Any = 0) -> Any:
    """
    Call the decorated function again when it raises one of the given errors.

    It is called ``max_attempts`` times at most; the last error goes on to the caller.
    ``stall`` seconds pass before the first call, and ``wait`` seconds, more or less by a tenth so
    that competitors do not meet again, before each further one.
    """
    if inspect.isfunction(exc):
        return retry()(exc)
    errors = exc if isinstance(exc, tuple) else (exc,)
    for error in errors:
        if not (isinstance(error, type) and issubclass(error, Exception)):
            raise TypeError(f"exc is {exc!r}. Give an exception class, or a tuple of them.")
    if not isinstance(max_attempts, int) or isinstance(max_attempts, bool) or max_attempts < 1:
        raise TypeError(f"max_attempts is {max_attempts!r}. Give a whole number from 1.")
    _check_seconds("wait", wait)
    _check_seconds("stall", stall)

    def decorate(func: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(func)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if stall:
                time.sleep(stall)
            for _ in range(max_attempts - 1):
                try:
                    return func(*args, **kwargs)
                except errors:
                    if wait:
                        time.sleep(wait * random.uniform(0.9, 1.1))
            return func(*args, **kwargs)

        return call

    return decorate


def _check_seconds(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise TypeError(f"{name} is {value!r}. Give a number of seconds, 0 or more.")
