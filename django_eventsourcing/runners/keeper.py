"""The keeper: the thread of a runner that takes, prolongs and gives back leases."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from threading import Event, Thread
from uuid import UUID

from django import db

from django_eventsourcing.announcements import tell_of
from django_eventsourcing.problems import described
from django_eventsourcing.runners.deaths import Deaths
from django_eventsourcing.runners.failures import Failure
from django_eventsourcing.runners.leases import FollowerRow, LeaseTable, LeaseTiming
from django_eventsourcing.runners.outages import Incident, OutageBackoff, close_connections
from django_eventsourcing.runners.report import State
from django_eventsourcing.runners.shares import Standing
from django_eventsourcing.runners.silence import Silence
from django_eventsourcing.runners.statistics import Statistics, StatisticTable
from django_eventsourcing.runners.worker import FollowerWorker
from django_eventsourcing.signals import lease_acquired, lease_lost
from eventsourcing.persistence import PersistenceError

__all__ = ["Account", "LeaseKeeper"]

logger = logging.getLogger(__name__)

# Seconds between two tries to reach the database: a lease must not end because it was back unseen.
_LONGEST_OUTAGE_WAIT = 2.0
# Seconds in which a thread mostly has done what it was told, which is then put on record.
_ANSWER = 0.1


class LeaseKeeper(Thread):
    """
    Keeps the leases of a runner's followers in one database, until it is told to finish.

    It tells the threads when they may process, and the database what the threads do. If it dies
    it begins anew; ``on_death`` is told why when that has been in vain. Each database has a keeper,
    so that one that does not answer holds up none of the others.
    """

    def __init__(
        self,
        account: "Account",
        *,
        on_death: Callable[[str], object] = lambda _: None,
        deaths: Deaths | None = None,
    ) -> None:
        super().__init__(name="lease keeper", daemon=True)
        self._account = account
        self._on_death = on_death
        self._deaths = deaths or Deaths()
        self._finishing = Event()
        self._woken = Event()

    def wake(self) -> None:
        """Look now at what has changed."""
        self._woken.set()

    def finish(self) -> None:
        """Give back what is held, once nothing is in hand any more, and end."""
        self._finishing.set()
        self._woken.set()

    def run(self) -> None:
        while not self._finishing.is_set():
            try:
                self._keep()
                why = "its work has ended unasked"
            except BaseException as error:
                why = described(error)
                logger.critical("The keeper of leases has died", exc_info=True)
            if not self._finishing.is_set():
                self._rise(why)
        self._account.close()
        close_connections()

    def _keep(self) -> None:
        while not self._finishing.is_set():
            self._woken.clear()
            self._woken.wait(self._account.attend())

    def _rise(self, why: str) -> None:
        """Begin anew after a while; at the last time, wait until the threads have been stopped."""
        logger.warning("The keeper of leases is started again: %s", why)
        close_connections()
        seconds = self._deaths.died()
        if self._deaths.are_too_many:
            self._on_death(f"The keeper of leases has died: {why}")
            self._finishing.wait()
        self._finishing.wait(seconds)


class Account:
    """What a worker holds in one database, and when it is next due there."""

    def __init__(
        self,
        table: LeaseTable,
        workers: Sequence[FollowerWorker],
        worker_id: UUID,
        *,
        timing: LeaseTiming,
        wake_up: Callable[[], str] = lambda: "polling",
        takes_all: bool = False,
        is_stopping: Callable[[], bool] = lambda: False,
        incident: Incident | None = None,
        silence: Silence | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = table
        self._workers: Mapping[str, FollowerWorker] = {w.run_name: w for w in workers}
        self._id = worker_id
        self._timing = timing
        self._wake_up = wake_up
        self._takes_all = takes_all
        self._is_stopping = is_stopping
        self._incident = incident or Incident()
        self._silence = silence or Silence(table.alias)
        self._clock = clock
        self._statistics = Statistics(StatisticTable(table.alias), workers, clock)
        self._held: set[str] = set()
        self._passed_on: set[str] = set()
        """Those that are held until their batch is finished."""
        self._left: set[str] = set()
        """Those that are free for others to take first."""
        self._outage = OutageBackoff(longest=_LONGEST_OUTAGE_WAIT)
        self._beaten_at = float("-inf")
        self._prolonged_at: dict[str, float] = {}
        self._locked: set[str] = set()
        """Those whose leases could not be prolonged."""
        self._takes_share = True
        self._is_new = True
        self._free_since: dict[str, float] = {}
        self._retries: dict[str, datetime | None] = {}
        self._has_told = False
        """Whether a thread was told something at the last look."""
        self._written: dict[str, tuple[State, Failure | None]] = {}

    def attend(self) -> float:
        """Do what is due; return in how many seconds there will be more."""
        try:
            with self._silence.asking():
                seconds = self._attend()
        except (db.Error, PersistenceError) as error:
            # Whatever it is, the threads go on as long as their leases last.
            if not self._outage.is_open:
                logger.log(
                    self._incident.begin(self),
                    "The leases in database %r wait for it: %s",
                    self._table.alias,
                    described(error),
                )
            close_connections()
            return self._outage.next()
        if self._outage.is_open:
            logger.info("The leases in database %r: it is back", self._table.alias)
            self._outage.end()
            self._incident.end(self)
        return seconds

    def close(self) -> None:
        """Write what the threads have come to, and give everything back, if that is possible."""
        try:
            self._write({})
            self._statistics.write(self._held)
        except Exception as error:  # noqa: BLE001 - what is held is given back all the same
            logger.warning(
                "What the followers have come to is not on record in database %r: %s",
                self._table.alias,
                described(error),
            )
            close_connections()
        try:
            self._table.leave()
        except Exception as error:  # noqa: BLE001 - they end by themselves
            logger.warning(
                "The leases in database %r are not given back, and end in %g s: %s",
                self._table.alias,
                self._timing.duration,
                described(error),
            )
        for worker in self._workers.values():
            worker.hold.lose()

    def _attend(self) -> float:
        began = self._clock()
        if self._is_new:
            self._table.prepare()
            self._table.forget_the_dead()
            self._is_new = False
        if self._is_stopping() and self._takes_share:
            self._table.leave_shares()
            self._takes_share = False
        is_due = began - self._beaten_at >= self._timing.heartbeat
        if is_due:
            self._note_locked(self._table.beat(self._wake_up()), began)
            self._beaten_at = began
        self._table.bury_the_dead()
        rows, standing = self._table.look()
        self._is_new = len(rows) < len(self._workers)
        self._note(rows)
        if not self._is_stopping():
            self._take(rows, standing)
            self._pass_on(standing)
        # Whoever has ended by now has come to what is written.
        done = self._done()
        self._write(rows)
        # Those that are given back may have been processed to the end just now.
        if is_due:
            self._statistics.write(self._held)
        self._give_back(done)
        return self._next_look(rows)

    def _note_locked(self, names: set[str], began: float) -> None:
        """Remember which leases last longer now, and tell of those that do not."""
        self._prolonged_at |= {name: began for name in self._workers if name not in names}
        if more := sorted(names - self._locked):
            logger.warning(
                "The leases of %s in database %r cannot be prolonged, and end %g s after they "
                "were: another transaction has locked their rows",
                ", ".join(more),
                self._table.alias,
                self._timing.duration,
            )
        self._locked = names

    def _note(self, rows: Mapping[str, FollowerRow]) -> None:
        """Tell the threads what the database says."""
        self._has_told = False
        for name, worker in self._workers.items():
            row, hold = rows.get(name), worker.hold
            if row is None:
                self._lose(name, None)
                continue
            self._has_told |= hold.is_paused != row.is_paused
            hold.pause(is_paused=row.is_paused)
            hold.failed_elsewhere = row.error if row.owner not in (None, self._id) else ""
            if row.owner == self._id:
                self._keep(name, self._prolonged_at.get(name, self._beaten_at))
            else:
                self._lose(name, row.owner)
            asked = row.retry_requested_at
            if asked is not None and asked != self._retries.get(name, asked):
                self._has_told = True
                hold.request_retry()
            self._retries[name] = asked

    def _keep(self, name: str, since: float) -> None:
        # It lasts as long in the database, or longer: it was prolonged there after this moment.
        if name not in self._passed_on:
            due = self._beaten_at + self._timing.heartbeat + self._timing.look
            self._workers[name].hold.keep(since + self._timing.duration, due)
        self._held.add(name)

    def _lose(self, name: str, owner: UUID | None) -> None:
        if name in self._held:
            tell_of(name, lease_lost, worker_id=self._id, owner=owner)
        self._let_go(name)

    def _let_go(self, name: str) -> None:
        self._held.discard(name)
        self._passed_on.discard(name)
        self._written.pop(name, None)
        if self._workers[name].hold.is_held:
            self._workers[name].hold.lose()

    def _take(self, rows: Mapping[str, FollowerRow], standing: Standing) -> None:
        share = standing.share_of(self._id)
        for name, row in rows.items():
            if row.owner is not None:
                self._free_since.pop(name, None)
                self._left.discard(name)
                continue
            if not standing.has_others(self._id, name):
                # Those that it was left to are gone, and may have had it between two looks.
                self._left.discard(name)
            now = self._clock()
            is_due = now - self._free_since.setdefault(name, now) >= self._timing.grace
            is_wanted = len(self._held) < share and name not in self._left
            is_running = self._workers[name].is_alive()
            if is_running and (self._takes_all or is_due or is_wanted) and self._table.take(name):
                self._keep(name, now)
                tell_of(name, lease_acquired, worker_id=self._id)

    def _pass_on(self, standing: Standing) -> None:
        """Let go of what is more than the fair share, where others have less."""
        if self._takes_all:
            return
        for name in standing.surplus_of(self._id):
            # What has failed would be tried anew elsewhere, to fail again.
            if name in self._held and self._workers[name].state is not State.FAILED:
                self._passed_on.add(name)
                self._workers[name].hold.give_up()

    def _done(self) -> list[str]:
        """Return the followers that are held and needed no longer."""
        return [
            name
            for name in self._held
            if not self._workers[name].is_alive()
            or (name in self._passed_on and not self._workers[name].hold.is_busy)
        ]

    def _give_back(self, names: Sequence[str]) -> None:
        if names:
            # What is locked is tried again at the next look.
            given = self._table.give_back(names)
            self._left.update(given)
            for name in given:
                self._let_go(name)

    def _write(self, rows: Mapping[str, FollowerRow]) -> None:
        """Put on record what has changed."""
        for name in self._held:
            worker = self._workers[name]
            known, now = self._written.get(name), (worker.state, worker.failure)
            # An error that an earlier worker has left stands until its notification is processed.
            is_failure_old = now[1] == (known[1] if known else None)
            row = rows.get(name)
            is_cleared = row is not None and row.has_failure and worker.has_succeeded
            is_written = True
            if is_cleared or not is_failure_old:
                is_written = self._table.write(name, *now)
            elif known is None or known[0] is not now[0]:
                is_written = self._table.write_state(name, now[0])
            if is_written:
                self._written[name] = now

    def _next_look(self, rows: Mapping[str, FollowerRow]) -> float:
        # The end of another worker's lease is not waited for longer than it takes.
        ends = (row.remaining for name, row in rows.items() if name not in self._held)
        longest = _ANSWER if self._has_told else self._timing.look
        return min([longest, *(max(end, 0.0) + 0.01 for end in ends if end > 0)])
