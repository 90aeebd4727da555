"""
The watermark: how far readers of an event table on PostgreSQL may go without passing one by.

Writers draw ids from a sequence and commit in any order, so an id may become visible after a higher
one. Up to the watermark, the log is *settled*: what is not visible there never will be.

Why it is safe
--------------
Every writer takes a shared advisory lock before it draws an id and holds it to the end of its
transaction (see ``django_eventsourcing.ordering``). PostgreSQL makes a commit visible before it
releases locks. A reader asks three things, each by a statement of its own, in this order:

1. *ids*: which ids are there after the watermark, whatever the application, and which is the
   highest, the head? If the next ids are there without a gap, they are settled: nothing can come
   between them.
2. *holders*: beyond a gap, which transactions hold the lock? An id below the head that was not
   visible in (1) had been drawn by then, so its transaction had the lock by then. It has it still,
   and is among the holders; or it has ended between (1) and (2). Asked before (1), it could take
   the lock, draw and be overtaken in between, and be missed.
3. *rows*: once none of these holders is left, all of them have ended, and a **new** statement sees
   what they have committed. Whatever it does not see below the head is dead. The rows that (1)
   saw would not do: a holder may have committed between (1) and (2).

Without a gap, there is no (2), and (3) may go to the server together with (1): what is settled by
the ids of (1) is there for the statement after it. Rows beyond that are dropped, and read anew: so
(3) is not made with (1) while a gap is waited for.

Holders are virtual transactions: a process may be in another transaction by the next look. One that
is prepared (``PREPARE TRANSACTION``) may change that name, so it counts for every wait. Nothing
here is measured in time: no time-out is long enough, as a transaction may stay open for longer.

A statement must see what is committed when it begins: the isolation level READ COMMITTED, on the
primary server. At another level, and on a replica, the reader refuses.

A reader within a transaction that has written sees events of its own that may be rolled back. It
goes up to them, and is not held up by its own lock; but what it sees raises no watermark that it
shares with others.

What is kept
------------
One watermark for each table and process, and the waits: pairs of a head and the holders that are
left. As long as the holders of a wait are not gone, later waits have at least the same holders; so
a wait is dropped when the next one has no more, and there are never more waits than writers. All of
it saves work alone. After it is lost (another process, a fork, a server that was started anew), a
reader with an empty memory comes to the same answer: from its position on, by ids without a gap,
or else as soon as those who hold the lock at its first look have ended.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock, local
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from django.core.signals import setting_changed
from django.db import NotSupportedError
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from django_eventsourcing.event_table import EventTable, Holders
from django_eventsourcing.ordering.faults import FRESH_LEVELS

if TYPE_CHECKING:
    from django_eventsourcing.recorders.prepared import BoundQuery

__all__ = ["Watermark"]

_MOST_WAITS = 64
_SHORTEST_POLL = 0.003
_POLL_SHARE = 0.1
"""How much of the time that has been waited for a gap passes until the next look."""
_TRIES = 3

_Result = TypeVar("_Result")
_Found = TypeVar("_Found", list[tuple[Any, ...]], list[tuple[Any, ...]] | None)
Rows = Callable[[int, int, int], list[tuple[Any, ...]]]
"""Reads rows after an id, up to an id, at most so many; the last column is ``Session()``."""


class Watermark:
    """
    Tells a thread how far it may read one event table, and reads that far.

    ``between`` is called before each statement with its name, ``"ids"``, ``"holders"`` or
    ``"rows"``, and with ``"end"`` after the last: tests change the world there.
    """

    def __init__(
        self, table: EventTable, *, between: Callable[[str], object] = lambda _: None
    ) -> None:
        self.table = table
        """The table whose log is read."""
        self._is_at_head = False
        """Whether the last reader has come to the end: for the next one, there may be more."""
        self._between = between

    def select(
        self,
        rows: Rows,
        *,
        after: int,
        limit: int,
        stop: int | None = None,
        is_full: Callable[[], bool] = lambda: False,
        query: Callable[[int, int], BoundQuery | None] = lambda _after, _limit: None,
    ) -> list[tuple[Any, ...]]:
        """
        Return the next rows after an id, as far as all before them are settled.

        Where ``rows`` may have returned fewer than asked for, though there are more, ``is_full``
        tells of the last time. ``query`` returns what reads the rows after an id, at most so many,
        whose first column is the id, if it is to be made with other statements at once.
        """
        found = self._on_one_server(lambda: self._select(rows, after, limit, stop, is_full, query))
        self._between("end")
        return found

    def settle(self, after: int = 0) -> int:
        """
        Return the id up to which the log is settled for a reader that has come to ``after``.

        The database is asked. The reader's own position is believed, but only for itself.
        """
        return self._on_one_server(lambda: self._settle(after)).settled

    def is_held_up(self) -> bool:
        """Tell whether events have been committed beyond a gap that may still be filled."""
        answer = self._on_one_server(lambda: self._settle(0))
        return answer.settled < answer.head

    def poll_interval(self, longest: float) -> float:
        """Return the seconds to the next look: few while a gap is waited for, more with time."""
        since = self._state.waiting_since
        if since is None:
            return longest
        return min(longest, max(_SHORTEST_POLL, _POLL_SHARE * (monotonic() - since)))

    def _select(
        self,
        rows: Rows,
        after: int,
        limit: int,
        stop: int | None,
        is_full: Callable[[], bool],
        query: Callable[[int, int], BoundQuery | None],
    ) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        state = self._state
        settled = _lower(state.settled, stop)
        if settled > after and not self._is_at_head:
            # Far behind the watermark, this is the only statement.
            found = self._read(rows, state, after, settled, limit)
            if is_full():
                # What comes next is not what comes after all that is settled.
                return found
            after = settled
        self._is_at_head = len(found) < limit
        if not self._is_at_head or (stop is not None and after >= stop):
            return found
        # While a gap is waited for, most of what would be read with the ids is not settled.
        is_waiting = state.waiting_since is not None
        page = None if is_waiting else query(after, limit - len(found))
        answer = self._settle(after, page)
        settled = _lower(answer.settled, stop)
        if settled > after and answer.rows is not None:
            found += [row for row in answer.rows if row[0] <= settled]
        elif settled > after:
            found += self._read(rows, answer.state, after, settled, limit - len(found))
        self._is_at_head = len(found) < limit and not is_full()
        return found

    def _settle(self, after: int, query: BoundQuery | None = None) -> _Answer:
        state = self._state
        known = state.settled
        position = max(known, after)
        self._between("ids")
        ids = self.table.ids(position, query)
        # A log that ends before what is settled has been emptied, and its ids may come again.
        if ids.session != state.session or ids.head < known:
            state = self._adopt(ids.session, anew=ids.head < known)
            if known:
                raise _AnotherServerError
        reached = _contiguous(ids.found, position)
        if position == known and not ids.is_writing:
            state.rise(reached)
        if reached >= ids.head:
            return _Answer(state, reached, ids.head, self._checked(ids.rows, state))
        mark = state.mark
        self._between("holders")
        holders = self.table.holders()
        settled = state.resolve(ids.head, holders, mark)
        if not ids.is_writing:
            state.rise(_contiguous(ids.found, state.settled))
        return _Answer(state, _contiguous(ids.found, max(reached, settled)), ids.head)

    def _read(
        self, rows: Rows, state: _State, after: int, upto: int, limit: int
    ) -> list[tuple[Any, ...]]:
        self._between("rows")
        return self._checked(rows(after, upto, limit), state)

    def _checked(self, found: _Found, state: _State) -> _Found:
        """Return the rows, unless they are another server's."""
        if found and found[0][-1] != state.session:
            self._adopt(found[0][-1])
            raise _AnotherServerError
        return found

    def _on_one_server(self, look: Callable[[], _Result]) -> _Result:
        for _ in range(_TRIES):
            # What was known, and what was read with it, is of the past if a server answers that
            # is not the one before, or was started anew, or if the table is another one.
            with suppress(_AnotherServerError):
                return look()
        # Other threads may be with other tables of the same name, in schemas of their own.
        _alone.state = _State(session="")
        try:
            return look()
        except _AnotherServerError as error:
            raise NotSupportedError(
                "notifications are read from a server that is another one with each statement. "
                "Let HOST name one server, the primary."
            ) from error
        finally:
            del _alone.state

    def _adopt(self, session: str, *, anew: bool = False) -> _State:
        """Return what is known of this server and table; what is known of another is dropped."""
        _require_primary_and_fresh(session)
        with _lock:
            state = _states.get(self.table.key)
            if state is None or state.session != session or anew:
                state = _states[self.table.key] = _State(session)
            return state

    @property
    def _state(self) -> _State:
        own: _State | None = getattr(_alone, "state", None)
        return own or _states.get(self.table.key) or _State(session="")


class _State:
    """What this process knows of one table: what is settled, and what is waited for."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.settled = 0
        self.waits: list[_Wait] = []
        self.mark = 0
        """The number of the last wait."""
        self._lock = Lock()

    @property
    def waiting_since(self) -> float | None:
        """When the first of the waits began, by the monotonic clock; ``None`` if there is none."""
        with self._lock:
            return self.waits[0].since if self.waits else None

    def rise(self, settled: int) -> None:
        """Raise the watermark, unless it is that high; waits below it are over."""
        with self._lock:
            self._rise(settled)

    def resolve(self, head: int, holders: Holders, mark: int) -> int:
        """
        Note a head and who holds the lock after it was seen; return what is settled for the asker.

        The waits up to the number ``mark``, which were there before the look at the holders, are
        rid of those who are gone. A later wait may be for somebody who has come since.
        """
        with self._lock:
            for wait in self.waits:
                if wait.number <= mark:
                    wait.left = (wait.left & holders.all) | holders.prepared
            if len(self.waits) < _MOST_WAITS:
                self.mark += 1
                self.waits.append(_Wait(self.mark, head, holders.all, monotonic()))
            for_all = [wait.head for wait in self.waits if not wait.left]
            for_asker = [wait.head for wait in self.waits if wait.left <= holders.own]
            self._rise(max(for_all, default=0))
            self._merge()
            return max(for_asker, default=0)

    def _rise(self, settled: int) -> None:
        self.settled = max(self.settled, settled)
        self.waits = [wait for wait in self.waits if wait.head > self.settled]

    def _merge(self) -> None:
        """Drop each wait that ends no sooner than the next one."""
        kept: list[_Wait] = []
        for wait in self.waits:
            while kept and kept[-1].head <= wait.head and kept[-1].left >= wait.left:
                wait.since = min(wait.since, kept.pop().since)
            kept.append(wait)
        self.waits = kept


@dataclass
class _Wait:
    """What is settled when somebody is gone."""

    number: int
    head: int
    left: frozenset[str]
    """Those who held the lock after the head was seen, and have not been seen to end."""
    since: float


class _Answer(NamedTuple):
    """How far a reader may go, by what is known of the server that was asked."""

    state: _State
    settled: int
    head: int
    rows: list[tuple[Any, ...]] | None = None
    """Those that were read with it, some of which may be beyond what is settled."""


class _AnotherServerError(Exception):
    """The answers of two statements are not of the same server."""


_states: dict[tuple[str, ...], _State] = {}
_alone = local()
_lock = Lock()


def _forget() -> None:
    global _lock
    # A lock that another thread holds while the process forks is never released in the child.
    _lock = Lock()
    _states.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@receiver(setting_changed)
def _forget_on_change(*, setting: str, **_: Any) -> None:
    if setting in ("EVENTSOURCING", "DATABASES"):
        _forget()


@receiver(post_migrate)
def _forget_tables(**_: Any) -> None:
    # Tables may have been made anew, or emptied, and their ids begin again.
    _forget()


def _contiguous(ids: Iterable[int], position: int) -> int:
    """Return the last of the ids that follow the position without a gap."""
    for id_ in ids:
        if id_ > position + 1:
            break
        position = max(position, id_)
    return position


def _lower(settled: int, stop: int | None) -> int:
    return settled if stop is None else min(settled, stop)


def _require_primary_and_fresh(session: str) -> None:
    _, is_replica, isolation = session.split(" ", 2)
    if is_replica == "t":
        raise NotSupportedError(
            "notifications cannot be read from a replica: it does not show which events are still "
            "to be committed. Read them from the primary server."
        )
    if isolation not in FRESH_LEVELS:
        raise NotSupportedError(
            f"notifications cannot be read at the isolation level {isolation!r}: what is committed "
            "meanwhile would not be seen, and passed by. Read them at 'read committed'."
        )
