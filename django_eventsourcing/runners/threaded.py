"""The threaded runner: each follower has a thread, and database connections, of its own."""

import time
from collections.abc import Callable
from dataclasses import replace
from threading import BoundedSemaphore, Event, Lock, Thread
from typing import ClassVar, TypeVar, cast

from django.db import connections
from django.dispatch import Signal

from django_eventsourcing.announcements import tell_of
from django_eventsourcing.dead_letters.parking import Parking
from django_eventsourcing.runners.base import SystemRunner
from django_eventsourcing.runners.catch_up import CatchUp
from django_eventsourcing.runners.deaths import Deaths
from django_eventsourcing.runners.holds import Hold
from django_eventsourcing.runners.keeper import Account, LeaseKeeper
from django_eventsourcing.runners.leases import LeaseTable, LeaseTiming, WorkerIdentity
from django_eventsourcing.runners.outages import Incident
from django_eventsourcing.runners.pipe import Pipe
from django_eventsourcing.runners.report import PipeReport, State
from django_eventsourcing.runners.silence import Silence
from django_eventsourcing.runners.worker import FollowerWorker
from django_eventsourcing.segments import EVERYTHING
from django_eventsourcing.signals import follower_stopped, worker_started, worker_stopped
from eventsourcing.system import Follower, Leader, RecordingEvent, RecordingEventReceiver

__all__ = ["ThreadedRunner"]

T = TypeVar("T")

# Seconds in which leases can be given back, where the database answers.
_LONGEST_GOODBYE = 5.0
# Seconds from one look at whether all threads are alive to the next.
_LOOK = 1.0


class ThreadedRunner(SystemRunner, RecordingEventReceiver):
    """
    Runs followers in threads of this process.

    Commits in this process wake the followers at once; those of other processes do so where they
    can be listened to, and are found by looking at every poll interval elsewhere. Of several
    runners, on any hosts, one holds a follower at a time, by a lease in the follower's database.

    A follower that fails for good rests, and the others go on; when all have failed, the run ends.
    A thread that dies is started again; when that is in vain, the run ends.
    """

    lease_timing: ClassVar[LeaseTiming] = LeaseTiming()
    deaths_class: ClassVar[type[Deaths]] = Deaths
    """Tells when a thread that has died is started again."""
    worker_class: ClassVar[type[FollowerWorker]] = FollowerWorker
    """Processes one follower, in a thread."""
    longest_silence: ClassVar[float] = 10.0
    """Seconds without an answer of a database after which that is told."""

    _workers: tuple[FollowerWorker, ...] = ()
    _keepers: tuple[LeaseKeeper, ...] = ()

    def start(self) -> None:
        self._lock = Lock()
        self._stopping = Event()
        self._incidents = {alias: Incident() for alias in connections}
        self._silences: dict[str, Silence] = {}
        self._turns = BoundedSemaphore(self.threads) if self.threads else None
        self._ended = Event()
        self._catch_up = CatchUp(self.followers, self._follows()) if self.once else None
        self._workers = tuple(self._worker(name) for name in self.followers)
        self._running = len(self._workers)
        self._over: set[FollowerWorker] = set()
        self._keepers = self._new_keepers()
        if not self._workers:
            self._ended.set()
        for leader in self._leaders():
            leader.lead(self)
        # A run that is to catch up ends where others begin to wait.
        if self._workers and not self.once:
            self.wake_up.start(self._wake)
        self._tell(worker_started, followers=list(self.followers))
        for worker in self._workers:
            worker.start()
        for keeper in self._keepers:
            keeper.start()

    def stop(self) -> None:
        self._stopping.set()
        for worker in self._workers:
            worker.call()
        # Others are told at once that it takes no share any more.
        for keeper in self._keepers:
            keeper.wake()

    def wait(self, timeout: float | None = None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._ended.wait(_until(deadline, longest=_LOOK)):
            self._look_after_threads()
            for silence in self._silences.values():
                silence.look()
            if deadline is not None and time.monotonic() >= deadline:
                return False
        for worker in self._workers:
            worker.join(None if deadline is None else max(0.1, deadline - time.monotonic()))
        goodbye = time.monotonic() + _LONGEST_GOODBYE
        for keeper in self._keepers:
            keeper.join(_until(goodbye, longest=_LONGEST_GOODBYE))
        # One that is busy connecting is not waited for.
        self.wake_up.join(timeout=1.0)
        return True

    def receive_recording_event(self, new_recording_event: RecordingEvent) -> None:
        self._wake(new_recording_event.application_name)

    def reports(self, *, look_up: bool = True) -> list[PipeReport]:
        return [
            self._report(worker, pipe, look_up=look_up)
            for worker in self._workers
            for pipe in worker.pipes
        ]

    def _report(self, worker: FollowerWorker, pipe: Pipe, *, look_up: bool) -> PipeReport:
        position = _or_none(pipe.position) if look_up else pipe.seen_position
        head = _or_none(pipe.head) if look_up else pipe.seen_head
        return PipeReport(
            follower=worker.run_name,
            upstream=pipe.leader.name,
            # That of a synchronous follower is behind all there can ever be.
            position=head if position == EVERYTHING else position,
            head=head,
            processed=pipe.processed,
            rate=pipe.rate,
            state=worker.state,
            reason=worker.reason,
        )

    def _worker(self, name: str) -> FollowerWorker:
        follower = cast(Follower, self.system.get(name))
        hold = Hold()
        application = self.system.application_of(name)
        policy = self.system.config.on_error_of(application, self.options)
        pipes = [
            Pipe(
                self.system.get(leader_name),
                follower,
                self.options.batch_size,
                lambda: self._stopping.is_set() or not hold.may_process,
                Parking(self.system, follower, leader_name, policy),
            )
            for leader_name in self.system.upstreams_of(name)
        ]
        return self.worker_class(
            follower,
            pipes,
            options=replace(self.options, on_error=policy),
            stopping=self._stopping,
            hold=hold,
            catch_up=self._catch_up,
            write=self.write,
            on_end=self._on_end,
            turns=self._turns,
            deaths=self.deaths_class(),
            database=self.system.database_of(name),
            incidents=self._incidents,
        )

    def _new_keepers(self) -> tuple[LeaseKeeper, ...]:
        """Return what keeps the leases; let those run that need none, being kept in memory."""
        held_in: dict[str, list[FollowerWorker]] = {}
        for worker in self._workers:
            if self.system.is_persisted(worker.run_name):
                alias = self.system.database_of(worker.run_name)
                held_in.setdefault(alias, []).append(worker)
            else:
                worker.hold.keep()
        identity = self._identity()
        return tuple(
            LeaseKeeper(
                self._account(identity, alias, workers),
                on_death=self._give_up,
                deaths=self.deaths_class(),
            )
            for alias, workers in held_in.items()
        )

    def _account(
        self, identity: WorkerIdentity, alias: str, workers: list[FollowerWorker]
    ) -> Account:
        names = [worker.run_name for worker in workers]
        self._silences[alias] = Silence(alias, longest=self.longest_silence)
        return Account(
            # What others leave to it, it would soon have to leave to others.
            LeaseTable(alias, names, identity, takes_share=not self.once, timing=self.lease_timing),
            workers,
            identity.id,
            timing=self.lease_timing,
            wake_up=lambda: str(self.wake_up.state),
            takes_all=self.once,
            is_stopping=self._stopping.is_set,
            incident=self._incidents[alias],
            silence=self._silences[alias],
        )

    def _identity(self) -> WorkerIdentity:
        return WorkerIdentity.of_this_process(self.system.alias, self.worker_name)

    def _look_after_threads(self) -> None:
        """End the run if a thread is gone without a word, whatever has ended it."""
        if any(map(_is_gone, self._keepers)) and not self._stopping.is_set():
            self._give_up("The keeper of leases has ended unasked")
        for worker in self._workers:
            if _is_gone(worker) and worker not in self._over:
                worker.state, worker.reason = State.DIED, "its thread has ended unasked"
                self._on_end(worker)

    def _give_up(self, why: str) -> None:
        self.failure = why
        self.stop()

    def _leaders(self) -> list[Leader]:
        leaders: list[object] = [pipe.leader for w in self._workers for pipe in w.pipes]
        # A segment records its follower's events in an instance of its own.
        leaders += [w.follower for w in self._workers if w.segment.count > 1]
        return [each for each in dict.fromkeys(leaders) if isinstance(each, Leader)]

    def _follows(self) -> dict[str, list[str]]:
        """Return whom each of those that are run follows, by the names under which they are run."""
        upstreams = {name: self.system.upstreams_of(name) for name in self.followers}
        return {
            name: [run for each in found for run in self.system.runs_of(each)]
            for name, found in upstreams.items()
        }

    def _on_end(self, worker: FollowerWorker) -> None:
        if self._catch_up:
            self._catch_up.ended(worker.run_name)
        if worker.state is State.DIED:
            self.stop()
        name, state = worker.run_name, str(worker.state)
        tell_of(name, follower_stopped, state=state, reason=worker.reason)
        with self._lock:
            self._over.add(worker)
            self._running -= 1
            is_last = self._running == 0
        if is_last:
            for leader in self._leaders():
                leader.unlead(self)
            self.wake_up.stop()
            for keeper in self._keepers:
                keeper.finish()
            self._ended.set()
        self._wake()
        if is_last:
            self._tell(worker_stopped)

    def _tell(self, signal: Signal, **values: object) -> None:
        signal.send_robust(
            type(self), worker=self._identity().name, system=self.system.alias, **values
        )

    def _wake(self, leader_name: str | None = None) -> None:
        """Wake the workers of those that follow the application, or all of them."""
        for worker in self._workers:
            if leader_name is None or any(p.leader.name == leader_name for p in worker.pipes):
                worker.wake()


def _until(deadline: float | None, *, longest: float) -> float:
    return longest if deadline is None else max(0.0, min(deadline - time.monotonic(), longest))


def _is_gone(thread: Thread) -> bool:
    return thread.ident is not None and not thread.is_alive()


def _or_none(look_up: Callable[[], T]) -> T | None:
    # A report is given even when the database is away.
    try:
        return look_up()
    except Exception:  # noqa: BLE001
        return None
