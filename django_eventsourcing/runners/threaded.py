"""The threaded runner: each follower has a thread, and database connections, of its own."""

import time
from collections.abc import Callable
from threading import Event, Lock
from typing import TypeVar, cast

from django_eventsourcing.runners.base import SystemRunner
from django_eventsourcing.runners.catch_up import CatchUp
from django_eventsourcing.runners.pipe import Pipe
from django_eventsourcing.runners.report import PipeReport, State
from django_eventsourcing.runners.worker import FollowerWorker
from eventsourcing.system import Follower, Leader, RecordingEvent, RecordingEventReceiver

__all__ = ["ThreadedRunner"]

T = TypeVar("T")


class ThreadedRunner(SystemRunner, RecordingEventReceiver):
    """
    Runs followers in threads of this process.

    Commits in this process wake the followers at once; those of other processes are found by
    looking at every poll interval. A follower that fails for good ends, and the others go on; a
    thread that dies ends the run.
    """

    _workers: tuple[FollowerWorker, ...] = ()

    def start(self) -> None:
        self._lock = Lock()
        self._stopping = Event()
        self._ended = Event()
        self._catch_up = CatchUp(self.followers, self.system.system.follows) if self.once else None
        self._workers = tuple(self._worker(name) for name in self.followers)
        self._running = len(self._workers)
        if not self._workers:
            self._ended.set()
        for leader in self._leaders():
            leader.lead(self)
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake_all()

    def wait(self, timeout: float | None = None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        if not self._ended.wait(timeout):
            return False
        for worker in self._workers:
            worker.join(None if deadline is None else max(0.1, deadline - time.monotonic()))
        return True

    def receive_recording_event(self, new_recording_event: RecordingEvent) -> None:
        for worker in self._workers:
            if any(p.leader.name == new_recording_event.application_name for p in worker.pipes):
                worker.wake()

    def reports(self, *, look_up: bool = True) -> list[PipeReport]:
        return [
            PipeReport(
                follower=worker.follower.name,
                upstream=pipe.leader.name,
                position=_or_none(pipe.position) if look_up else pipe.seen_position,
                head=_or_none(pipe.head) if look_up else pipe.seen_head,
                processed=pipe.processed,
                rate=pipe.rate,
                state=worker.state,
                reason=worker.reason,
            )
            for worker in self._workers
            for pipe in worker.pipes
        ]

    def _worker(self, name: str) -> FollowerWorker:
        follower = cast(Follower, self.system.get(name))
        pipes = [
            Pipe(
                self.system.get(leader_name),
                follower,
                self.options.batch_size,
                self._stopping.is_set,
            )
            for leader_name in self.system.system.follows[name]
        ]
        return FollowerWorker(
            follower,
            pipes,
            options=self.options,
            stopping=self._stopping,
            catch_up=self._catch_up,
            write=self.write,
            on_end=self._on_end,
        )

    def _leaders(self) -> list[Leader]:
        leaders = {pipe.leader.name: pipe.leader for w in self._workers for pipe in w.pipes}
        return [cast(Leader, leader) for leader in leaders.values()]

    def _on_end(self, worker: FollowerWorker) -> None:
        if self._catch_up:
            self._catch_up.ended(worker.follower.name)
        if worker.state is State.DIED:
            self._stopping.set()
        with self._lock:
            self._running -= 1
            is_last = self._running == 0
        if is_last:
            for leader in self._leaders():
                leader.unlead(self)
            self._ended.set()
        self._wake_all()

    def _wake_all(self) -> None:
        for worker in self._workers:
            worker.wake()


def _or_none(look_up: Callable[[], T]) -> T | None:
    # A report is given even when the database is away.
    try:
        return look_up()
    except Exception:  # noqa: BLE001
        return None
