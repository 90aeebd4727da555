"""Heartbeat: a process that rebuilds is a worker, and says that it lives."""

import logging
from threading import Event, Thread
from typing import Self

from django.db import Error as DatabaseError

from django_eventsourcing.problems import described
from django_eventsourcing.runners.leases import LeaseTable, LeaseTiming
from django_eventsourcing.runners.outages import close_connections

__all__ = ["Heartbeat"]

logger = logging.getLogger(__name__)


class Heartbeat:
    """
    Keeps a worker's row fresh, and the leases that it has taken, in a thread of its own.

    At the end of the ``with`` block all is given back, for others to take over.
    """

    def __init__(self, table: LeaseTable, timing: LeaseTiming) -> None:
        self._table = table
        self._timing = timing
        self._ended = Event()
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._table.beat("polling")
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._ended.set()
        self._thread.join()
        try:
            self._table.leave()
        except DatabaseError as error:
            logger.warning("The leases of a rebuild end by themselves: %s", described(error))

    def _beat(self) -> None:
        try:
            while not self._ended.wait(self._timing.heartbeat):
                try:
                    self._table.beat("polling")
                except DatabaseError as error:
                    # Nothing hangs on a lease: positions are claimed in any case.
                    logger.info("A rebuild cannot say that it lives: %s", described(error))
                    close_connections()
        finally:
            close_connections()
