"""Reading: looks at databases that may fail, one without spoiling the next."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction

from django_eventsourcing.problems import one_line

__all__ = ["in_one_line", "separate_look"]


@contextmanager
def separate_look(alias: str) -> Iterator[None]:
    """
    Read within, so that a failure leaves the request's transaction usable.

    On PostgreSQL a statement that fails spoils the transaction, which is the whole request under
    ``ATOMIC_REQUESTS``, unless there is a savepoint.
    """
    if connections[alias].in_atomic_block:
        with transaction.atomic(using=alias):
            yield
    else:
        yield


def in_one_line(error: Exception) -> str:
    """Return the text of an error, or its class if it has none."""
    return one_line(error) or type(error).__name__
