"""Retrying: calling a function again when it raises."""

import functools
import inspect
import random
import time
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar, overload

__all__ = ["repeat", "retry"]

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
            waits = (wait * random.uniform(0.9, 1.1) for _ in range(max_attempts - 1))
            return repeat(
                functools.partial(func, *args, **kwargs),
                when=lambda error: isinstance(error, errors),
                waits=waits,
            )

        return call

    return decorate


def repeat(
    func: Callable[[], R], *, when: Callable[[Exception], bool], waits: Iterable[float]
) -> R:
    """
    Call the function, and call it again after each of the waits, until it returns.

    Only errors of which ``when`` says so are followed by another call; the last one, and others,
    go on to the caller. Waits are in seconds.
    """
    left = iter(waits)
    while True:
        try:
            return func()
        except Exception as error:
            # It is drawn when it is due, so that it may depend on what has happened.
            seconds = next(left, None) if when(error) else None
            if seconds is None:
                raise
        if seconds:
            time.sleep(seconds)


def _check_seconds(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise TypeError(f"{name} is {value!r}. Give a number of seconds, 0 or more.")
