"""Conflicts: commands repeated, when somebody else was faster with the same aggregate."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import ParamSpec, TypeVar, overload
from uuid import UUID

from django import db

from django_eventsourcing.gates import find_gate, gate_of
from django_eventsourcing.transactions import is_blind, open_transactions
from eventsourcing import persistence
from eventsourcing.retrying import repeat

__all__ = ["is_lock_conflict", "retry_on_conflict"]

P = ParamSpec("P")
R = TypeVar("R")

# Transactions that have been in each other's way: the database has rolled this one back.
_POSTGRES_STATES = {"40001", "40P01", "55P03"}
_MYSQL_CODES = {1205, 1213}
_SQLITE_NAMES = ("SQLITE_BUSY", "SQLITE_LOCKED")


@overload
def retry_on_conflict(func: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def retry_on_conflict(*, max_attempts: int = 10) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def retry_on_conflict(
    func: Callable[P, R] | None = None, /, *, max_attempts: int = 10
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """
    Call the decorated function again when somebody else has recorded the same versions first.

    It is to read the aggregates, decide, and save: all of that is repeated, ``max_attempts`` times
    at most, after short waits that grow and are drawn at random; the last error goes on to the
    caller. Where no transaction is open, deadlocks and locks that are not available are repeated,
    too. Within a transaction that cannot see what others commit, nothing is: it would be in vain.
    """
    if not isinstance(max_attempts, int) or isinstance(max_attempts, bool) or max_attempts < 1:
        raise TypeError(f"max_attempts is {max_attempts!r}. Give a whole number from 1.")

    def decorate(func: Callable[P, R]) -> Callable[P, R]:
        # A bound method is another object each time.
        name = f"{getattr(func, '__module__', '')}.{getattr(func, '__qualname__', type(func))}"

        @functools.wraps(func)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            tries = _Tries(f"{name} {_what_may_be_an_id(*args, *kwargs.values())}")
            return repeat(
                functools.partial(tries.run, functools.partial(func, *args, **kwargs)),
                when=tries.may_be_repeated,
                waits=tries.waits(max_attempts - 1),
            )

        return call

    return decorate if func is None else decorate(func)


def _what_may_be_an_id(*arguments: object) -> str:
    """Return the first argument that can name an aggregate."""
    return next((str(each) for each in arguments if isinstance(each, UUID | str | int)), "")


class _Tries:
    """The tries of one call, and the waits between them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._gate = find_gate(name)
        self._duration = 0.0
        self._conflicts = 0

    def run(self, func: Callable[[], R]) -> R:
        """Call the function when its turn has come."""
        if self._gate is None:
            return self._timed(func)
        if not self._conflicts and self._gate.is_busy:
            time.sleep(self._gate.wait())
        # Whoever has the turn may wait for what a transaction of this thread has locked.
        with nullcontext() if open_transactions() else self._gate.turn(self._conflicts):
            try:
                result = self._timed(func)
            finally:
                self._gate.note_duration(self._duration)
        if not self._conflicts:
            self._gate.note_success()
        return result

    def may_be_repeated(self, error: Exception) -> bool:
        """Tell whether another try may go better."""
        if not _may_be_repeated(error):
            return False
        if self._gate is None:
            self._gate = gate_of(self._name)
            self._gate.note_duration(self._duration)
        self._conflicts += 1
        self._gate.note_conflict()
        return True

    def waits(self, number: int) -> Iterator[float]:
        """Yield the seconds before each further try."""
        return (self._gate.wait(self._conflicts) for _ in range(number) if self._gate)

    def _timed(self, func: Callable[[], R]) -> R:
        started = time.monotonic()
        try:
            return func()
        finally:
            self._duration = time.monotonic() - started


def _may_be_repeated(error: Exception) -> bool:
    open_ones = open_transactions()
    if isinstance(error, persistence.IntegrityError):
        return not any(map(is_blind, open_ones))
    # The database has undone the whole transaction, of which the function is a part.
    return not open_ones and is_lock_conflict(error)


def is_lock_conflict(error: BaseException | None) -> bool:
    """Tell whether the database has refused a lock, or ended a deadlock."""
    if not isinstance(error, db.OperationalError | persistence.OperationalError):
        return False
    cause: BaseException | None = error
    while cause is not None:
        code = cause.args[0] if cause.args else None
        if (
            getattr(cause, "sqlstate", None) in _POSTGRES_STATES
            or str(getattr(cause, "sqlite_errorname", "")).startswith(_SQLITE_NAMES)
            or (isinstance(code, int) and code in _MYSQL_CODES)
        ):
            return True
        cause = cause.__cause__
    return False
