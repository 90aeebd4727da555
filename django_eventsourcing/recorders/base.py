"""What all recorders of this package have in common: a database, and its commits."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from django.db import connections, transaction

from django_eventsourcing.renewing import renew_connection
from django_eventsourcing.transactions import open_transactions
from eventsourcing.persistence import Recorder

__all__ = ["DjangoRecorder"]


class DjangoRecorder(Recorder):
    """Keeps records in the database ``alias``, in the transaction of the calling thread."""

    alias: str
    poll_interval: float | None = 0.5

    def on_commit(self, callback: Callable[[], None]) -> None:
        """
        Call back once the calling thread's transaction is committed; at once if none is open.

        Where transactions are managed by hand, with autocommit off, nothing tells of the commit:
        then there is no call, outside of ``atomic()``.

        An error of a callback that has been waiting for the commit is logged, not raised: what
        was committed stays so, and the callbacks after it are called.
        """
        connection = connections[self.alias]
        if connection.in_atomic_block:
            transaction.on_commit(callback, using=self.alias, robust=True)
        elif connection.get_autocommit():
            callback()

    def attempt(self) -> AbstractContextManager[None]:
        """Return a savepoint where a transaction is open, and nothing elsewhere."""
        if connections[self.alias].in_atomic_block:
            return transaction.atomic(using=self.alias)
        return nullcontext()

    def holds_locks(self) -> bool:
        """Tell whether a transaction is open in the calling thread, on whichever database."""
        return bool(open_transactions())

    def renew(self) -> None:
        """Close the calling thread's connection if it is too old, or lost, and not in use."""
        renew_connection(connections[self.alias])
