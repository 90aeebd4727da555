"""Catching up: when followers, and followers of followers, have nothing left to process."""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

__all__ = ["CatchUp"]


class CatchUp:
    """
    Tells each follower of a ``--once`` run when it may end.

    It may when it has found nothing to process after all those that it follows have ended.
    Followers in a circle end together: when each has found nothing since the last of them moved.
    """

    def __init__(self, names: Iterable[str], follows: Mapping[str, Sequence[str]]) -> None:
        self._lock = Lock()
        self._active = set(names)
        upstream = {name: _all_upstream(name, follows) for name in self._active}
        self._circle = {
            name: {other for other in above if name in upstream.get(other, ())} | {name}
            for name, above in upstream.items()
        }
        self._above = {name: above - self._circle[name] for name, above in upstream.items()}
        self._moves = dict.fromkeys(self._active, 0)
        self._idle_at: dict[str, int] = {}

    def begin(self, name: str) -> int | None:
        """Return a mark to give back after a look, or ``None`` if others must end first."""
        with self._lock:
            if self._above[name] & self._active:
                return None
            return self._circle_moves(name)

    def moved(self, name: str) -> None:
        """Note that the follower has processed something."""
        with self._lock:
            self._moves[name] += 1

    def may_end(self, name: str, mark: int | None) -> bool:
        """Tell, after a look that found nothing, whether the follower may end."""
        if mark is None:
            return False
        with self._lock:
            self._idle_at[name] = mark
            moves = self._circle_moves(name)
            members = self._circle[name] & self._active
            return all(self._idle_at.get(member) == moves for member in members)

    def ended(self, name: str) -> None:
        """Note that the follower runs no longer, for whatever reason: none waits for it."""
        with self._lock:
            self._active.discard(name)

    def _circle_moves(self, name: str) -> int:
        return sum(self._moves.get(member, 0) for member in self._circle[name])


def _all_upstream(name: str, follows: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    pending = list(follows.get(name, ()))
    while pending:
        upstream = pending.pop()
        if upstream not in found:
            found.add(upstream)
            pending += follows.get(upstream, ())
    return found
