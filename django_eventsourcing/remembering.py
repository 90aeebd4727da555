"""Remembering: what has been recorded on somebody's behalf, such as that of a request."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

__all__ = ["Writes", "current_writes", "remember_writes"]


class Writes(Mapping[str, int]):
    """The id of the last notification that each application has recorded, by its name."""

    def __init__(self, outer: "Writes | None" = None) -> None:
        self._outer = outer
        self._ids: dict[str, int] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<Writes {self._ids!r}>"

    def __getitem__(self, application_name: str) -> int:
        return self._ids[application_name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._ids))

    def __len__(self) -> int:
        return len(self._ids)

    def note(self, application_name: str, notification_id: int) -> None:
        """Take note of a notification; an earlier one than that which is known changes nothing."""
        # The threads of one request note together.
        with self._lock:
            known = self._ids.get(application_name, notification_id)
            self._ids[application_name] = max(known, notification_id)
        if self._outer is not None:
            self._outer.note(application_name, notification_id)


@contextmanager
def remember_writes() -> Iterator[Writes]:
    """
    Remember what is recorded within, as soon as it is committed.

    That is what this thread records in Django's databases, and what asynchronous code and
    ``sync_to_async()`` record for it; not what a thread records that is started within. What is
    rolled back is not remembered; what is still to be committed at the end is, after its commit.
    """
    writes = Writes(_current.get())
    token = _current.set(writes)
    try:
        yield writes
    finally:
        _current.reset(token)


def current_writes() -> Writes | None:
    """Return what is remembered here; ``None`` where nothing is to be."""
    return _current.get()


_current: ContextVar[Writes | None] = ContextVar("django_eventsourcing_writes", default=None)
