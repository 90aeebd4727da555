"""What all contracts of recorders share: events to write, and threads to write them in."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent

__all__ = ["DEADLINE", "RecorderContract", "stored_event", "stream"]

DEADLINE = 30.0
"""Seconds after which a test fails rather than wait on."""


def stored_event(
    originator_id: UUID | str | None = None,
    version: int = 1,
    topic: str = "school:Dog.Registered",
    state: bytes = b'{"name":"Fido"}',
) -> StoredEvent:
    """Return an event to write, by default of an aggregate of its own."""
    return StoredEvent(originator_id or uuid4(), version, topic, state)


def stream(*versions: int, originator_id: UUID | str | None = None) -> list[StoredEvent]:
    """Return events of one originator, at these versions."""
    originator_id = originator_id or uuid4()
    return [stored_event(originator_id, version) for version in versions]


class RecorderContract:
    """
    The base of the contracts of recorders.

    Give a fixture ``recorder``: a recorder without records. Override the two methods where the
    recorder needs it.
    """

    def new_id(self) -> UUID | str:
        """Return an originator id that has not been used: a UUID, unless overridden."""
        return uuid4()

    def release(self) -> None:
        """Give back what the calling thread holds, such as a connection; called as it ends."""

    def stored_event(
        self, originator_id: UUID | str | None = None, *args: Any, **kwargs: Any
    ) -> StoredEvent:
        """Return an event to write, by default of an aggregate of its own."""
        return stored_event(originator_id or self.new_id(), *args, **kwargs)

    def stream(self, *versions: int) -> list[StoredEvent]:
        """Return events of one originator, at these versions."""
        return stream(*versions, originator_id=self.new_id())

    @contextmanager
    def elsewhere(self) -> Iterator[Callable[..., Future[Any]]]:
        """Yield what starts a function in another thread, which ends with the block."""
        with ThreadPoolExecutor(max_workers=1) as executor:
            try:
                yield executor.submit
            finally:
                executor.submit(self.release).result(timeout=DEADLINE)
