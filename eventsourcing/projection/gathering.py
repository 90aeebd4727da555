"""Gathering: what policies collect in a unit of work, recorded at its end by few statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eventsourcing.application import ProcessingEvent
from eventsourcing.projection.held import HeldAggregates

if TYPE_CHECKING:
    from uuid import UUID

__all__ = ["Gathered"]

# As many events as one statement inserts. To keep more saves nothing; it would take memory, and
# time at the end of a unit of work, when it is too late to make that shorter.
_MOST = 500


class Gathered:
    """
    Keeps what a policy has collected for several notifications, until it is recorded at once.

    All of it is recorded, or none, as the unit of work is one transaction. Until then, whoever
    reads what may be among it has it recorded first, so that nobody can tell. So is it when it has
    become much. An aggregate that is got, changed and got again is held from then on, and not read
    each time.
    """

    def __init__(
        self,
        record: Callable[[ProcessingEvent], object],
        context: Callable[[], Any],
        as_read: Callable[[Any], Any],
    ) -> None:
        self._record = record
        self._context = context
        self._whole = ProcessingEvent()
        self._contexts: list[Any] = []
        self._ids: set[UUID | str] = set()
        self._failure: BaseException | None = None
        self._held = HeldAggregates(as_read)
        self._is_recording = False

    def add(self, processing_event: ProcessingEvent) -> None:
        """Keep what has been collected for one notification; it comes after all that is kept."""
        self._held.add(processing_event.events)
        if processing_event.saved_kwargs:
            # They are about these events alone.
            self.flush()
            self._record_now(processing_event)
            return
        whole = self._whole
        whole.tracking = processing_event.tracking
        if processing_event.events or processing_event.aggregates:
            context = self._context()
            self._contexts += [context] * len(processing_event.events)
            self._ids.update(event.originator_id for event in processing_event.events)
            whole.events += processing_event.events
            whole.aggregates.update(processing_event.aggregates)
            if len(whole.events) >= _MOST:
                self.flush()

    def get(self, aggregate_id: UUID | str, rebuild: Callable[[], Any]) -> Any:
        """Return an aggregate that a policy asks for; ``rebuild()`` reads it."""
        found = self._held.get(aggregate_id)
        if found is not None:
            return found
        is_changed = aggregate_id in self._ids
        found = rebuild()
        if is_changed:
            self._held.hold(aggregate_id, found)
        return found

    def before_others(self) -> bool:
        """Record what is kept, before somebody else reads or writes any events."""
        if self._is_recording:
            # By its own insert, which comes first; whatever comes after that is of others.
            self._is_recording = False
            return False
        self._held.clear()
        return self.flush()

    def before_read(self, originator_id: UUID | str) -> bool:
        """Record what is kept, if it is about this originator, whose events are to be read."""
        return originator_id in self._ids and self.flush()

    def flush(self) -> bool:
        """
        Record what is kept; return whether there were events.

        What could not be recorded is lost. If a policy has caught the error, which its own
        reading met, the unit of work fails by it nevertheless, at its end.
        """
        if self._failure is not None:
            raise self._failure
        whole, contexts = self._whole, self._contexts
        if whole.tracking is None:
            return False
        # First of all, as recording reads what there is.
        self._whole, self._contexts, self._ids = ProcessingEvent(), [], set()
        if contexts:
            whole.saved_kwargs["contexts"] = contexts
        try:
            self._record_now(whole)
        except BaseException as error:
            self._failure = error
            raise
        return bool(contexts)

    def _record_now(self, processing_event: ProcessingEvent) -> None:
        self._is_recording = True
        try:
            self._record(processing_event)
        finally:
            self._is_recording = False
