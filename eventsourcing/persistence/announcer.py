"""Announcing: waking the threads of this process that wait for something new to be committed."""

from threading import Condition

__all__ = ["Announcer"]


class Announcer:
    """
    Lets threads wait for the next commit without missing one.

    A thread takes the ``mark()``, looks at what there is, and then waits for the mark to change:
    what is announced between the mark and the wait ends the wait at once.
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._count = 0

    def mark(self) -> int:
        """Return the number of announcements so far."""
        return self._count

    def announce(self) -> None:
        """Wake all threads that wait."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def wait(self, mark: int, timeout: float | None = None) -> bool:
        """Wait until something has been announced since the mark; return whether it has."""
        with self._condition:
            return self._condition.wait_for(lambda: self._count != mark, timeout)
