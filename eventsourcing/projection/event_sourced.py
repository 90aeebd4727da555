"""Event-sourced projections: applications whose events follow from those of another one."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from eventsourcing.application import Application, ProcessingEvent
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.environment import EnvType
from eventsourcing.persistence import ProcessRecorder, Tracking

__all__ = ["EventSourcedProjection"]


class EventSourcedProjection(Application):
    """
    An application with a policy that says what to do about another application's events.

    New events that the policy collects are recorded together with the position of the event that
    caused them, in one transaction: each event is processed once, whatever fails in between.
    """

    topics: Sequence[str] = ()
    """Topics of the events to process; all, if empty."""

    recorder: ProcessRecorder

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        follow_topics = cls.__dict__.get("follow_topics")
        if follow_topics is not None:
            warnings.warn(
                f"{cls.__name__}.follow_topics is deprecated. Use topics.",
                DeprecationWarning,
                stacklevel=2,
            )
            cls.topics = follow_topics

    def __init__(self, env: EnvType | None = None) -> None:
        super().__init__(env)
        self.processing_lock = RLock()

    def construct_recorder(self) -> ProcessRecorder:
        """Return the recorder of the application's events and positions."""
        return self.factory.process_recorder()

    @singledispatchmethod
    def policy(self, domain_event: Any, processing_event: ProcessingEvent) -> None:
        """
        Say what to do about an event; by default, nothing.

        Collect the events of changed aggregates with ``processing_event.collect_events()``.
        """

    @contextmanager
    def processing_turn(self) -> Iterator[None]:
        """
        Wait until no other thread of this process has the turn to process.

        A thread that may hold locks of a database does not wait: the other may be waiting for
        those, and nobody would see that. The claim of the position keeps the two apart.
        """
        lock = self.processing_lock
        is_taken = lock.acquire(blocking=False)
        is_taken = is_taken or (not self.recorder.holds_locks() and lock.acquire())
        try:
            yield
        finally:
            if is_taken:
                lock.release()

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Run the policy; record the events that it collects together with the position."""
        with self.processing_turn():
            processing_event = ProcessingEvent(tracking)
            self.policy(domain_event, processing_event)
            recordings = self._record(processing_event)
            self._take_snapshots(processing_event)
            self._notify(recordings)
            self._notify_of(processing_event)
