"""Reading: looks at databases that may fail, one without spoiling the next, or take too long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.db import DatabaseError, OperationalError, connections, transaction

from django_eventsourcing.problems import one_line
from django_eventsourcing.time_limits import is_timeout, time_limit

__all__ = ["ReadTooLongError", "in_one_line", "limited_reading", "separate_look"]


class ReadTooLongError(OperationalError):
    """A look at a database that was ended, as it took too long."""

    def __init__(self, alias: str, seconds: float) -> None:
        super().__init__(
            f"Database {alias!r} took longer than {seconds:g} s to answer, so the look was ended. "
            "Narrow what is asked for, or see what else the server is busy with."
        )


@contextmanager
def limited_reading(seconds: float) -> Iterator[None]:
    """
    Let no statement within a ``separate_look()`` take longer.

    On SQLite, which knows no limit for a statement, all of them together may take so long.
    """
    limits = _Limits(seconds=seconds)
    token = _limits.set(limits)
    try:
        yield
    finally:
        _limits.reset(token)
        # Nothing was written; and a database that has gone away has been told of where it was read.
        with suppress(DatabaseError):
            limits.stack.close()


@contextmanager
def separate_look(alias: str) -> Iterator[None]:
    """
    Read within, so that a failure leaves the request's transaction usable.

    On PostgreSQL a statement that fails spoils the transaction, which is the whole request under
    ``ATOMIC_REQUESTS``, unless there is a savepoint. Raise ``ReadTooLongError`` beyond the limit
    that ``limited_reading()`` sets.
    """
    limits = _limits.get()
    try:
        if limits is not None:
            limits.apply_to(alias)
        if connections[alias].in_atomic_block:
            with transaction.atomic(using=alias):
                yield
        else:
            yield
    except OperationalError as error:
        if limits is not None and is_timeout(error):
            raise ReadTooLongError(alias, limits.seconds) from error
        raise


def in_one_line(error: Exception) -> str:
    """Return the text of an error, or its class if it has none."""
    return one_line(error) or type(error).__name__


@dataclass(kw_only=True)
class _Limits:
    """The limit of the reading under way, set in each database at the first look."""

    seconds: float
    stack: ExitStack = field(default_factory=ExitStack)
    aliases: set[str] = field(default_factory=set)

    def apply_to(self, alias: str) -> None:
        if alias not in self.aliases:
            self.stack.enter_context(time_limit(connections[alias], self.seconds))
            self.aliases.add(alias)


_limits: ContextVar[_Limits | None] = ContextVar("django_eventsourcing_limits", default=None)
