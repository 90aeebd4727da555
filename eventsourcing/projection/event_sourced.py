"""Event-sourced projections: applications whose events follow from those of another one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock, local
from typing import TYPE_CHECKING, Any

from eventsourcing.application import Application, ProcessingEvent
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.environment import EnvType
from eventsourcing.persistence import ProcessRecorder
from eventsourcing.projection.gathering import Gathered

if TYPE_CHECKING:
    from eventsourcing.persistence import Tracking

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
        # Of the calling thread alone: others may process meanwhile.
        self._gathering = local()

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
        processing_event = ProcessingEvent(tracking)
        gathered: Gathered | None = getattr(self._gathering, "gathered", None)
        if gathered is not None:
            # The turn is taken already, and the unit of work has begun.
            self.policy(domain_event, processing_event)
            if not self.repository.fastforward:
                # What is in a cache is not brought up to date: the next one is to read instead.
                for aggregate_id in processing_event.aggregates:
                    self.repository.forget(aggregate_id)
            gathered.add(processing_event)
            return
        with self.processing_turn():
            self.policy(domain_event, processing_event)
            self._record_processed(processing_event)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """
        Record what the policy collects within at the end, where the recorder allows of that.

        That is to be within a unit of work of the recorder's, which is all or nothing.
        """
        # A policy may have the events of another upstream processed, in a unit within the unit.
        outer: Gathered | None = getattr(self._gathering, "gathered", None)
        gathered = Gathered(self._record_processed, self.recorder.context, self._as_read)
        with self.recorder.gathering(gathered.before_read, gathered.before_others) as is_allowed:
            self._gathering.gathered = gathered if is_allowed else None
            try:
                with self.repository.within(self._gathering.gathered):
                    yield
            finally:
                self._gathering.gathered = outer
            gathered.flush()

    def _as_read(self, domain_event: Any) -> Any:
        return self.mapper.to_domain_event(self.mapper.to_stored_event(domain_event))

    def _record_processed(self, processing_event: ProcessingEvent) -> None:
        recordings = self._record(processing_event)
        self._take_snapshots(processing_event)
        self._notify(recordings)
        self._notify_of(processing_event)
