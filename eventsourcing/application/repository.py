"""The repository: aggregates, rebuilt from their events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import chain
from threading import Lock, local
from typing import TYPE_CHECKING, Any, Protocol, Self
from weakref import WeakValueDictionary

from eventsourcing.application.cache import Cache
from eventsourcing.application.errors import AggregateNotFoundError, ProgrammingError

if TYPE_CHECKING:
    from uuid import UUID

    from eventsourcing.persistence import EventStore

__all__ = ["ProjectorFunction", "Repository", "UnitOfWork", "project_aggregate"]

ProjectorFunction = Callable[[Any, Iterable[Any]], Any]
"""Takes an aggregate, or ``None``, and its events in order; returns the aggregate, or ``None``."""


def project_aggregate(aggregate: Any, domain_events: Iterable[Any]) -> Any:
    """Return the aggregate after each event's ``mutate()``."""
    for domain_event in domain_events:
        try:
            mutate = domain_event.mutate
        except AttributeError as error:
            raise ProgrammingError(
                f"{type(domain_event).__qualname__} has no mutate(), so events of its kind make "
                f"no aggregate by themselves. Give a projector function."
            ) from error
        aggregate = mutate(aggregate)
    return aggregate


class UnitOfWork(Protocol):
    """What may know aggregates as they are within a transaction, before that is recorded."""

    def get(self, aggregate_id: UUID | str, rebuild: Callable[[], Any]) -> Any:
        """Return the aggregate as it is now; ``rebuild()`` reads it."""


class Repository:
    """
    Gets aggregates by their ids.

    With a cache, an aggregate that was got before is brought up to date by its newer events
    (``fastforward``), or taken as it is. What is in the cache is never changed, only replaced, and
    only by what is committed.
    """

    def __init__(
        self,
        event_store: EventStore,
        *,
        snapshot_store: EventStore | None = None,
        cache: Cache[UUID | str, Any] | None = None,
        fastforward: bool = True,
        fastforward_skipping: bool = False,
        deepcopy_from_cache: bool = True,
    ) -> None:
        self.event_store = event_store
        self.snapshot_store = snapshot_store
        self.cache = cache
        self.fastforward = fastforward
        self.fastforward_skipping = fastforward_skipping
        self.deepcopy_from_cache = deepcopy_from_cache
        self._locks: WeakValueDictionary[UUID | str, _FastForwardLock] = WeakValueDictionary()
        self._locks_lock = Lock()
        self._put_lock = Lock()
        self._of_thread = local()

    def __class_getitem__(cls, id_type: type[Any]) -> type[Self]:
        """Return the class itself: the type of its aggregates' ids may be stated, or not."""
        return cls

    def get(
        self,
        aggregate_id: UUID | str,
        *,
        version: int | None = None,
        projector_func: ProjectorFunction = project_aggregate,
        fastforward_skipping: bool | None = None,
        deepcopy_from_cache: bool | None = None,
    ) -> Any:
        """
        Return the aggregate, at its last version or as it was at an earlier one.

        With ``fastforward_skipping``, a cached aggregate is returned as it is while another
        thread brings it up to date; without ``deepcopy_from_cache`` it is the cached object
        itself, which must not be changed. Raise ``AggregateNotFoundError`` if it has no events,
        or if they make no aggregate, which is how one is discarded.
        """
        if self.cache is None or version is not None:
            unit: UnitOfWork | None = getattr(self._of_thread, "unit", None)
            if unit is None or version is not None or projector_func is not project_aggregate:
                return self._rebuild(aggregate_id, version, projector_func)
            return unit.get(aggregate_id, lambda: self._rebuild(aggregate_id, None, projector_func))
        if fastforward_skipping is None:
            fastforward_skipping = self.fastforward_skipping
        if deepcopy_from_cache is None:
            deepcopy_from_cache = self.deepcopy_from_cache
        try:
            aggregate = self.cache.get(aggregate_id)
        except KeyError:
            aggregate = self._rebuild(aggregate_id, None, projector_func)
            self._keep(self.cache, aggregate_id, aggregate)
        else:
            if self.fastforward:
                aggregate = self._fast_forward(
                    self.cache, aggregate, aggregate_id, projector_func, fastforward_skipping
                )
        return deepcopy(aggregate) if deepcopy_from_cache else aggregate

    def __contains__(self, aggregate_id: UUID | str) -> bool:
        try:
            self.get(aggregate_id, deepcopy_from_cache=False)
        except AggregateNotFoundError:
            return False
        return True

    @contextmanager
    def within(self, unit: UnitOfWork | None) -> Iterator[None]:
        """Let the unit of work give the calling thread the aggregates that it knows; if any."""
        outer = getattr(self._of_thread, "unit", None)
        self._of_thread.unit = unit
        try:
            yield
        finally:
            self._of_thread.unit = outer

    def remember(self, aggregate: Any) -> None:
        """Put an aggregate that has just been saved into the cache, where newer ones are due."""
        if self.cache is not None and not self.fastforward:
            # Until the commit, the transaction itself must not be given what was there before.
            self.forget(aggregate.id)
            self._keep(self.cache, aggregate.id, deepcopy(aggregate))

    def forget(self, aggregate_id: UUID | str) -> None:
        """Take an aggregate out of the cache, as after a version conflict."""
        if self.cache is not None:
            try:
                self.cache.get(aggregate_id, evict=True)
            except KeyError:
                return

    def _rebuild(
        self, aggregate_id: UUID | str, version: int | None, projector_func: ProjectorFunction
    ) -> Any:
        aggregate = None
        if self.snapshot_store is not None:
            aggregate = self._from_snapshot(
                self.snapshot_store, aggregate_id, version, projector_func
            )
        if aggregate is None:
            events = self.event_store.get(aggregate_id, lte=version)
            aggregate = projector_func(None, events)
        if aggregate is None:
            raise _not_found(aggregate_id, version)
        return aggregate

    def _from_snapshot(
        self,
        snapshot_store: EventStore,
        aggregate_id: UUID | str,
        version: int | None,
        projector_func: ProjectorFunction,
    ) -> Any:
        try:
            snapshots = list(snapshot_store.get(aggregate_id, desc=True, limit=1, lte=version))
            if not snapshots:
                return None
            events = self.event_store.get(
                aggregate_id, gt=snapshots[0].originator_version, lte=version
            )
            return projector_func(None, chain(snapshots, events))
        except Exception as error:  # noqa: BLE001 - the events say what a snapshot cannot
            import logging

            logging.getLogger(__name__).warning(
                "The snapshot of aggregate %s cannot be used, so its events are replayed: %s: %s",
                aggregate_id,
                type(error).__name__,
                error,
            )
            return None

    def _fast_forward(
        self,
        cache: Cache[UUID | str, Any],
        aggregate: Any,
        aggregate_id: UUID | str,
        projector_func: ProjectorFunction,
        skipping: bool,
    ) -> Any:
        lock = self._lock_of(aggregate_id)
        if not lock.acquire(blocking=not skipping):
            return aggregate
        try:
            events = list(self.event_store.get(aggregate_id, gt=aggregate.version))
            if not events:
                return aggregate
            aggregate = projector_func(deepcopy(aggregate), events)
            if aggregate is None:
                self.forget(aggregate_id)
                raise _not_found(aggregate_id, None)
            self._keep(cache, aggregate_id, aggregate)
            return aggregate
        finally:
            lock.release()

    def _keep(self, cache: Cache[UUID | str, Any], aggregate_id: UUID | str, value: Any) -> None:
        # What is read within a transaction may include what that transaction has written, and
        # may yet roll back.
        self.event_store.recorder.on_commit(lambda: self._put_newer(cache, aggregate_id, value))

    def _put_newer(
        self, cache: Cache[UUID | str, Any], aggregate_id: UUID | str, value: Any
    ) -> None:
        with self._put_lock:
            try:
                is_newer = cache.get(aggregate_id).version <= value.version
            except KeyError:
                is_newer = True
            if is_newer:
                cache.put(aggregate_id, value)

    def _lock_of(self, aggregate_id: UUID | str) -> _FastForwardLock:
        with self._locks_lock:
            lock = self._locks.get(aggregate_id)
            if lock is None:
                lock = self._locks[aggregate_id] = _FastForwardLock()
            return lock


class _FastForwardLock:
    """A lock that a weak dictionary can hold: it goes when no thread is interested any more."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.acquire = self._lock.acquire
        self.release = self._lock.release


def _not_found(aggregate_id: UUID | str, version: int | None) -> AggregateNotFoundError:
    at_version = "" if version is None else f" at version {version}"
    return AggregateNotFoundError(f"Aggregate {aggregate_id}{at_version} not found.")
