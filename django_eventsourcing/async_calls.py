"""Async calls: functions that use Django's databases, called from async views."""

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from eventsourcing.asynchronous import read_in_full

__all__ = ["aio"]

P = ParamSpec("P")
R = TypeVar("R")


def aio(func: Callable[P, R], /) -> Callable[P, Coroutine[Any, Any, R]]:
    """
    Return the async form of a function: ``await aio(school.add_trick)(dog_id, "sit")``.

    It is called in the one thread in which Django calls what belongs to the request, so that
    connections, transactions and ``on_commit()`` are those of a view, and context variables are
    seen. Where it returns an iterator, its items are read there, since to go through one is to use
    the database. A function that is async already raises ``TypeError``.
    """
    return sync_to_async(read_in_full(func), thread_sensitive=True)
