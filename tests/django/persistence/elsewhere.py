"""Elsewhere: another thread, with database connections of its own, that does as it is told."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Self

from django.db import connections, transaction

TIMEOUT = 30


class Elsewhere:
    """Runs functions one after the other in a thread of its own."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.do(connections.close_all)
        self._executor.shutdown()

    def start(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Start the function without waiting for it."""
        return self._executor.submit(function, *args)

    def do(self, function: Callable[..., Any], *args: Any) -> Any:
        """Wait for the function; return, or raise, what it does."""
        return self.start(function, *args).result(timeout=TIMEOUT)


class OpenTransaction:
    """A transaction of another thread, which stays open until it is told how to end."""

    def __init__(self, elsewhere: Elsewhere, alias: str) -> None:
        self._elsewhere = elsewhere
        self._alias = alias
        self.is_open = True
        self._atomic = transaction.atomic(using=alias)
        elsewhere.do(self._atomic.__enter__)

    def commit(self) -> None:
        self.is_open = False
        self._elsewhere.do(self._atomic.__exit__, None, None, None)

    def roll_back(self) -> None:
        self._elsewhere.do(partial(transaction.set_rollback, rollback=True, using=self._alias))
        self.commit()
