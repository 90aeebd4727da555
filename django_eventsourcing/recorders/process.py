"""The recorder of a follower: its events and its positions, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import local
from typing import Any
from uuid import UUID

from django import db
from django.db import connections, transaction

from django_eventsourcing.metadata import Metadata, metadata_to_record
from django_eventsourcing.models import (
    AbstractStoredEvent,
    AbstractTracking,
    StoredEventRecord,
    TrackingRecord,
)
from django_eventsourcing.recorders.application import DjangoApplicationRecorder
from django_eventsourcing.recorders.errors import (
    RecordedBesideError,
    database_errors,
    own_database_errors,
)
from django_eventsourcing.recorders.savepoints import Savepoints
from django_eventsourcing.recorders.tracking import DjangoTrackingRecorder
from django_eventsourcing.transactions import require_unbroken
from eventsourcing.persistence.errors import OperationalError
from eventsourcing.persistence.recorders import ProcessRecorder
from eventsourcing.persistence.records import Notification, StoredEvent, Tracking

__all__ = ["DjangoProcessRecorder"]

# MySQL's and MariaDB's code.
_NO_SAVEPOINT = 1305


class DjangoProcessRecorder(DjangoTrackingRecorder, DjangoApplicationRecorder, ProcessRecorder):
    """
    Keeps one follower's events and positions; what a policy writes commits with them.

    While notifications are processed, in the unit of work that ``processing()`` opens, the position
    is in memory, and written once, at the end. Events that are refused in it with their position
    take the whole unit along: no savepoint is made for each.
    """

    def __init__(
        self,
        application_name: str,
        *,
        alias: str = "default",
        model: type[AbstractStoredEvent] = StoredEventRecord,
        tracking_model: type[AbstractTracking] = TrackingRecord,
    ) -> None:
        DjangoApplicationRecorder.__init__(self, application_name, alias=alias, model=model)
        DjangoTrackingRecorder.__init__(
            self, application_name, alias=alias, tracking_model=tracking_model
        )
        # Of the calling thread alone: others may process meanwhile.
        self._reprocessed = local()
        self._claims = local()
        self._units = local()
        self._own = alias, model, application_name

    @contextmanager
    def processing(
        self, tracking: Tracking, *, after: int | None = None, last: int | None = None
    ) -> Iterator[None]:
        """
        Process notifications in one transaction, which begins by claiming the first position.

        With ``last``, the id of the last notification in hand, that is where the claim moves the
        position to, in the expectation that all are processed.

        What the body raises goes on as it is, errors of ``django.db`` included, after everything
        written within has been rolled back.
        """
        upstream_name = tracking.application_name
        with (
            own_database_errors(self.alias) as policies,
            transaction.atomic(using=self.alias),
            self._unit(upstream_name, after) as moved,
        ):
            self._claim(tracking, after, last)
            self._claims.position = after
            with self._undivided():
                with policies():
                    yield
                # Where there is a savepoint around it, it alone would be rolled back.
                require_unbroken(connections[self.alias])
            if after is not None and last is not None:
                reached = moved[-1] if moved else after
                if reached != last:
                    self._move(upstream_name, last, reached)
            elif moved:
                super()._insert_tracking(Tracking(upstream_name, moved[-1]))
            if moved:
                self.on_commit(self.announcer.announce)

    @property
    def claimed(self) -> int | None:
        """The position, as it was when the calling thread claimed it last; ``None`` if unknown."""
        return getattr(self._claims, "position", None)

    @contextmanager
    def reprocessing(self, tracking: Tracking) -> Iterator[list[tuple[int, StoredEvent]]]:
        """
        Process in one transaction a notification that the position is past, or not to be moved by.

        It begins by locking the position, so that no worker processes at the same time; where the
        calling thread gives the notification's ``tracking`` with its events, it is not recorded.
        Yield a list to which the events are added that are recorded, with their ids.
        """
        with transaction.atomic(using=self.alias):
            with database_errors(self.alias):
                self._lock(tracking.application_name)
            with self.processing_at_once(tracking) as recorded:
                yield recorded

    @contextmanager
    def processing_at_once(self, tracking: Tracking) -> Iterator[list[tuple[int, StoredEvent]]]:
        """
        Process a notification in the caller's transaction, whatever the position.

        Where the calling thread gives its ``tracking`` with events, it is not recorded. Yield a
        list to which the events are added that are recorded, with their ids.
        """
        outer = dict(self._reprocessed.__dict__)
        recorded: list[tuple[int, StoredEvent]] = []
        self._reprocessed.tracking, self._reprocessed.recorded = tracking, recorded
        try:
            with self._undivided():
                yield recorded
        finally:
            self._reprocessed.__dict__.clear()
            self._reprocessed.__dict__.update(outer)

    @contextmanager
    def gathering(
        self, before_read: Callable[[UUID | str], bool], flush: Callable[[], bool]
    ) -> Iterator[bool]:
        """
        Let events be recorded at the end of a unit of work, by one statement.

        That holds up those who wait for the commit for a shorter time, too. Where followers
        process in the same transaction, they do so after each.

        Raise ``OperationalError`` at the end if a policy has rolled back a savepoint in which it
        has read, and so has taken along what was kept back.
        """
        if self.process_at_once is not None or not self._moved:
            yield False
            return
        # What an outer unit of work has gathered comes before what this one will.
        self._flush()
        outer = _gathered.calls.get(self._own)
        savepoints = Savepoints()
        _gathered.calls[self._own] = savepoints.noting(before_read), savepoints.noting(flush)
        try:
            with connections[self.alias].execute_wrapper(savepoints):
                yield True
        finally:
            del _gathered.calls[self._own]
            if outer is not None:
                _gathered.calls[self._own] = outer
        if savepoints.is_anything_lost:
            raise OperationalError(
                f"{self.application_name}: a policy has rolled back a savepoint, and events with "
                "it that were collected for other notifications, and recorded as it read there. "
                "They are to be processed one at a time."
            )

    def context(self) -> Metadata:
        """Return the metadata that events have which are recorded now."""
        return metadata_to_record()

    def select_events(self, originator_id: UUID | str, **kwargs: Any) -> Sequence[StoredEvent]:
        """Return one originator's events in the order of their versions, or backwards."""
        if self._own in _gathered.calls:
            before_read, _ = _gathered.calls[self._own]
            before_read(originator_id)
        return super().select_events(originator_id, **kwargs)

    def select_notifications(self, *args: Any, **kwargs: Any) -> Sequence[Notification]:
        """Return at most ``limit`` notifications in the order of their ids."""
        self._flush()
        return super().select_notifications(*args, **kwargs)

    def max_notification_id(self) -> int | None:
        """Return the id of the last notification, or ``None`` if there is none."""
        self._flush()
        return super().max_notification_id()

    def settled_notification_id(self, after: int | None = None) -> int | None:
        """Return the id of the last notification that readers may come to just now."""
        self._flush()
        return super().settled_notification_id(after)

    def _flush(self) -> None:
        """Record what is kept back in the calling thread, by whichever instance."""
        if self._own in _gathered.calls:
            _, flush = _gathered.calls[self._own]
            flush()

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Write all the events and, where ``tracking`` is given, the position: all or nothing."""
        self._flush()
        tracking: Tracking | None = kwargs.get("tracking")
        if not stored_events and tracking is not None and self._is_in_hand(tracking):
            self._insert_tracking(tracking)
            return []
        return super().insert_events(stored_events, **kwargs)

    def insert_tracking(self, tracking: Tracking) -> None:
        """Move the position forward, or raise ``IntegrityError`` if it has got there already."""
        self._flush()
        if self._is_in_hand(tracking):
            self._insert_tracking(tracking)
        else:
            super().insert_tracking(tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """Return the position in the named upstream application, or ``None`` before the first."""
        self._flush()
        moved = self._moved.get(application_name)
        if moved is None:
            return super().max_tracking_id(application_name)
        if moved:
            return moved[-1]
        # What the claim has moved the row to is only where this unit of work is to come to.
        before = self._before.get(application_name)
        return super().max_tracking_id(application_name) if before is None else before or None

    def _needs_savepoint(self, **kwargs: Any) -> bool:
        tracking: Tracking | None = kwargs.get("tracking")
        return tracking is None or not self._is_in_hand(tracking)

    def _insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        if stored_events and self._is_beside:
            raise RecordedBesideError.by(self.application_name)
        tracking: Tracking | None = kwargs.pop("tracking", None)
        # First the position, last the events: their turn in the order of commits is waited for
        # by all other writers.
        if tracking is not None:
            self._insert_tracking(tracking)
        ids = super()._insert_events(stored_events, **kwargs)
        if hasattr(self._reprocessed, "recorded"):
            self._reprocessed.recorded += zip(ids, stored_events, strict=True)
        return ids

    def _insert_tracking(self, tracking: Tracking) -> None:
        if tracking == getattr(self._reprocessed, "tracking", None):
            return
        moved = self._moved.get(tracking.application_name)
        if moved is None:
            super()._insert_tracking(tracking)
        elif moved and tracking.notification_id <= moved[-1]:
            raise self._refused(tracking, moved[-1])
        else:
            moved.append(tracking.notification_id)

    @contextmanager
    def _undivided(self) -> Iterator[None]:
        """
        Keep what a policy writes from being committed in part.

        At a deadlock, MySQL and MariaDB roll back the whole transaction. Where a policy catches
        that, what it writes afterwards would be committed alone; but a savepoint, too, is gone, and
        tells. It is made after the claim, which would lock more of the table within it.
        """
        if connections[self.alias].vendor != "mysql":
            yield
            return
        try:
            with transaction.atomic(using=self.alias):
                yield
        except db.OperationalError as error:
            if error.args[:1] != (_NO_SAVEPOINT,):
                raise
            raise OperationalError(
                f"{self.application_name}: database {self.alias!r} has rolled back all that was "
                "written before a deadlock, and the policy has gone on.  HINT: Let errors of the "
                "database leave the policy: it is then called again."
            ) from error

    @property
    def _moved(self) -> dict[str, list[int]]:
        """The positions come to in the calling thread's units of work, by upstream."""
        moved: dict[str, list[int]] = self._units.__dict__.setdefault("moved", {})
        return moved

    @property
    def _before(self) -> dict[str, int | None]:
        """The positions that these units of work have begun at; ``None`` where it is not known."""
        before: dict[str, int | None] = self._units.__dict__.setdefault("before", {})
        return before

    @contextmanager
    def _unit(self, upstream_name: str, after: int | None) -> Iterator[list[int]]:
        if upstream_name in self._moved:
            raise RuntimeError(
                f"{self.application_name} is processing {upstream_name} already. A policy cannot "
                f"have its own follower process: let it return first."
            )
        moved = self._moved[upstream_name] = []
        self._before[upstream_name] = after
        outer = self.claimed
        try:
            yield moved
        finally:
            del self._moved[upstream_name], self._before[upstream_name]
            if self._moved:
                # The unit of work of another upstream, which this one is within, goes on.
                self._claims.position = outer

    def _is_in_hand(self, tracking: Tracking) -> bool:
        return tracking.application_name in self._moved


class _Gathered(local):
    """
    What to call in the calling thread before an application's events are read, or others written.

    It is found by all instances of the application: a segment processes in one of its own, and
    what a policy calls may ask for the one that everybody has.
    """

    def __init__(self) -> None:
        self.calls: dict[object, tuple[Callable[[UUID | str], None], Callable[[], None]]] = {}


_gathered = _Gathered()
