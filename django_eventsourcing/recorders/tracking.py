"""The recorder of positions: one row for each upstream application, moving forward only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

from django.db import connections, transaction
from django.db.models import F

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.metadata import Handling
from django_eventsourcing.models import AbstractTracking, TrackingRecord
from django_eventsourcing.querysets import TrackingQuerySet
from django_eventsourcing.recorders.base import DjangoRecorder
from django_eventsourcing.recorders.errors import (
    SegmentsNotInForceError,
    SynchronousFollowerError,
    database_errors,
)
from django_eventsourcing.recorders.prepared import (
    PreparedQuery,
    PreparedStatements,
    PreparedUpdate,
)
from django_eventsourcing.recorders.values import checked_text
from django_eventsourcing.segments import (
    EVERYTHING,
    RETIRED,
    Segment,
    follower_name,
    segments_of,
)
from eventsourcing.persistence.announcer import Announcer
from eventsourcing.persistence.errors import AlreadyProcessedError
from eventsourcing.persistence.recorders import TrackingRecorder
from eventsourcing.persistence.records import Notification, Tracking
from eventsourcing.system import Follower

__all__ = ["DjangoTrackingRecorder", "segment_run_by"]


class DjangoTrackingRecorder(DjangoRecorder, TrackingRecorder):
    """
    Keeps one follower's positions, or those of one of its segments.

    Where a follower is split, the row of its own name is retired, and those of its segments are in
    force: that it is, and not the settings, says who may process. Without a segment, the
    recorder tells the least of their positions, and moves none.
    """

    segments: int = 1
    """Into how many segments the follower is split by the settings."""
    is_set_synchronous: bool = False
    """Whether the settings say that it processes in the transactions that record."""
    segment: Segment | None = None
    """The segment whose positions these are; none if the recorder is that of all of them."""
    shared_announcer: Announcer | None = None
    """That of the recorder of all segments, where this is one of them."""

    def __init__(
        self,
        application_name: str,
        *,
        alias: str = "default",
        tracking_model: type[AbstractTracking] = TrackingRecord,
    ) -> None:
        self.application_name = checked_text(tracking_model, "application_name", application_name)
        self.alias = alias
        self.tracking_model = tracking_model
        self._prepared = PreparedStatements(tracking_model)

    @property
    def announcer(self) -> Announcer:
        """Tells those who wait in this process of commits; of a segment, those who ask for all."""
        return self.shared_announcer or super().announcer

    @property
    def tracking_name(self) -> str:
        """The name under which the positions are kept."""
        return self.segment.name if self.segment else self.application_name

    def insert_tracking(self, tracking: Tracking) -> None:
        """Move the position forward, or raise ``IntegrityError`` if it has got there already."""
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            self._insert_tracking(tracking)
        self.on_commit(self.announcer.announce)

    def max_tracking_id(self, application_name: str) -> int | None:
        """Return the position in the named upstream application, or ``None`` before the first."""
        with database_errors(self.alias):
            found = self._look_up(application_name)
            if found != RETIRED:
                return found or None
            in_force = self.positions_in_force(application_name)
        if self.segment is not None and self.segment.count > 1:
            raise self._not_in_force(application_name, in_force)
        return min(in_force.values(), default=0) or None

    def handling(
        self, application_name: str, notification: Notification
    ) -> AbstractContextManager[None]:
        """Return the context in which the metadata of what is recorded names the notification."""
        return Handling(application_name, notification)

    def positions_in_force(self, upstream_name: str) -> dict[str, int]:
        """Return the positions in the upstream by which the follower's segments process."""
        rows = self.positions.like(self.application_name).upstream(upstream_name).in_force()
        found = rows.order_by().values_list("application_name", "notification_id")
        # SQLite takes no account of case where a text begins with another.
        return {name: id_ for name, id_ in found if follower_name(name) == self.application_name}

    def require_in_force(
        self, upstream_name: str, in_force: Mapping[str, int] | None = None
    ) -> None:
        """
        Raise ``SegmentsNotInForceError`` if the positions are for another number of segments.

        ``in_force`` are ``positions_in_force()`` where they have been read.
        """
        if self._is_beside:
            return
        if in_force is None:
            with database_errors(self.alias):
                in_force = self.positions_in_force(upstream_name)
        if in_force and self.tracking_name not in in_force:
            raise self._not_in_force(upstream_name, in_force)

    def is_being_swapped(self, upstream_name: str) -> bool:
        """Tell whether none of the positions is in force, so that nobody is to process."""
        if self._is_beside:
            return False
        with database_errors(self.alias):
            is_begun = self._position(upstream_name, self.application_name).exists()
            return is_begun and not self.positions_in_force(upstream_name)

    def resplit(self, upstream_name: str, segments: Sequence[Segment], position: int) -> bool:
        """
        Let these segments process the upstream from the position on, instead of those that do.

        It happens, within the caller's transaction, if all that do are there; return whether they
        are. Rows that are no longer in force stay: one that is missing would begin at 0.
        """
        names = [segment.name for segment in segments]
        with database_errors(self.alias):
            # Locked in the order in which they are made, whoever is at work with one is waited for.
            self._upsert({self.application_name: RETIRED}, upstream_name)
            in_force = self.positions_in_force(upstream_name)
            rows = self.positions.upstream(upstream_name)
            for name in sorted(in_force):
                rows.of(name).update(updated_at=DatabaseNow())
            in_force = self.positions_in_force(upstream_name)
            if any(each != position for each in in_force.values()):
                return False
            for name in in_force:
                rows.of(name).update(notification_id=RETIRED)
            self._upsert(dict.fromkeys(names, position), upstream_name, moves=True)
        return True

    def take_positions(self, upstream_name: str) -> dict[str, int]:
        """
        Lock all positions in the upstream by which the follower is processed; return them.

        Called in a transaction, until whose end nobody processes. Those that are missing are made.
        """
        with database_errors(self.alias):
            is_split = self.segments > 1
            self._upsert({self.application_name: RETIRED if is_split else 0}, upstream_name)
            if is_split and not self.positions_in_force(upstream_name):
                names = (s.name for s in segments_of(self.application_name, self.segments))
                self._upsert(dict.fromkeys(names, 0), upstream_name)
            rows = self.positions.upstream(upstream_name)
            # In the order in which they are made, as everybody locks them.
            for name in sorted(self.positions_in_force(upstream_name)):
                rows.of(name).update(updated_at=DatabaseNow())
            return self.positions_in_force(upstream_name)

    def put_positions(self, upstream_name: str, names: Collection[str], position: int) -> None:
        """Let the segments of these names, whose positions are locked, go on from the position."""
        with database_errors(self.alias):
            rows = self.positions.upstream(upstream_name)
            for name in sorted(names):
                rows.of(name).update(notification_id=position, updated_at=DatabaseNow())

    def is_synchronous(self, upstream_name: str) -> bool | None:
        """Tell whether it processes in the transactions that record; ``None`` before the first."""
        names = [self.application_name, Segment.synchronous(self.application_name).name]
        rows = self.positions.filter(application_name__in=names).upstream(upstream_name)
        with database_errors(self.alias):
            found = dict(rows.order_by().values_list("application_name", "notification_id"))
        return found.get(names[1], RETIRED) != RETIRED if found else None

    def begin_synchronously(self, upstream_names: Sequence[str]) -> bool:
        """
        Process the upstreams, of which nothing is recorded yet, in the transactions that record.

        Called in the first of those. Return whether nobody has begun otherwise.
        """
        name, own = Segment.synchronous(self.application_name).name, self.application_name
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            for upstream_name in sorted(upstream_names):
                # Whoever comes first makes the follower's own row, for which all others wait.
                self._upsert({own: RETIRED}, upstream_name)
                in_force = self.positions_in_force(upstream_name)
                if set(in_force) - {name}:
                    transaction.set_rollback(True, using=self.alias)
                    return False
                self._upsert({name: EVERYTHING}, upstream_name)
        return True

    def become_synchronous(self, upstream_name: str, position: int) -> bool:
        """
        Let it process, from the position on, in the transactions that record.

        Called in a transaction that keeps others from recording. Return whether the position is
        that of the follower.
        """
        segment = Segment.synchronous(self.application_name)
        if not self.resplit(upstream_name, [segment], position):
            return False
        self.put_positions(upstream_name, [segment.name], EVERYTHING)
        return True

    def become_asynchronous(self, upstream_name: str, position: int) -> None:
        """Let workers process what is recorded after the position; called as the other."""
        segment = Segment(follower=self.application_name)
        if self.resplit(upstream_name, [segment], EVERYTHING):
            self.put_positions(upstream_name, [segment.name], position)

    @property
    def positions(self) -> TrackingQuerySet[AbstractTracking]:
        """All positions of the table, in the recorder's database."""
        manager: Any = self.tracking_model._default_manager
        return cast("TrackingQuerySet[AbstractTracking]", manager.using(self.alias))

    @property
    def _is_beside(self) -> bool:
        """Whether these positions are beside those in force, and are nobody else's."""
        return self.segment is not None and bool(self.segment.purpose)

    def _position(
        self, upstream_name: str, name: str | None = None
    ) -> TrackingQuerySet[AbstractTracking]:
        return self.positions.of(name or self.tracking_name).upstream(upstream_name)

    def _insert_tracking(self, tracking: Tracking) -> None:
        """Move the position; called in the transaction, for subclasses to add what is theirs."""
        self._update_position(tracking, notification_id=tracking.notification_id)

    def _look_up(self, upstream_name: str) -> int | None:
        """Return what the row has; ``None`` if there is no row."""
        query = self._prepared.get(
            ("position", upstream_name),
            lambda: PreparedQuery(
                self._position(upstream_name).order_by().values_list("notification_id"),
                self.alias,
                [],
            ),
        )
        rows = query.rows()
        found: int | None = rows[0][0] if rows else None
        return found

    def _claim(self, tracking: Tracking, after: int | None, last: int | None = None) -> None:
        """
        Lock the position until the end of the transaction, unless it is another than ``after``.

        It is moved to ``last`` at once, where that is given. The update is the transaction's first
        statement: SQLite then waits for its turn to write, which it would refuse to do after a
        read.
        """
        if after is None or last is None or after >= tracking.notification_id:
            self._update_position(tracking, after)
        elif not self._move(tracking.application_name, after, last):
            self._update_position(tracking, after, notification_id=last)

    def _move(self, upstream_name: str, before: int, position: int) -> int:
        """Move the position from one to another; return 0 if it is not at the first."""
        update = self._prepared.get(("move", upstream_name), lambda: self._moving(upstream_name))
        return update(before, position)

    def _moving(self, upstream_name: str) -> PreparedUpdate:
        field: Any = self.tracking_model._meta.get_field("notification_id")
        before, position = -1, -2
        return PreparedUpdate(
            self._position(upstream_name).filter(notification_id=before),
            self.alias,
            [(field, before), (field, position)],
            notification_id=position,
            updated_at=DatabaseNow(),
        )

    def _lock(self, upstream_name: str) -> None:
        """Lock the position until the end of the transaction, wherever it is."""
        # An update, as the first statement: see above.
        if not self._position(upstream_name).update(updated_at=F("updated_at")):
            self._create_position(upstream_name)

    def _update_position(self, tracking: Tracking, after: int | None = None, **values: Any) -> None:
        position = self._position(tracking.application_name)
        movable = position.before(tracking.notification_id)
        if after is not None:
            movable = movable.filter(notification_id=after)
        values["updated_at"] = DatabaseNow()
        if movable.update(**values):
            return
        # There is no row yet, or it is elsewhere.
        self._create_position(tracking.application_name)
        if not movable.update(**values):
            found = position.values_list("notification_id", flat=True).first() or 0
            raise self._refused(tracking, found)

    def _refused(self, tracking: Tracking, position: int) -> AlreadyProcessedError:
        is_processed = position >= tracking.notification_id
        return AlreadyProcessedError(
            f"{self.application_name}: notification {tracking.notification_id} of "
            f"{tracking.application_name} "
            f"{'has been processed already' if is_processed else 'is not the next one'}: "
            f"the position is {position}."
        )

    def _create_position(self, upstream_name: str) -> None:
        """
        Create the row unless it is there; whoever else is creating it is waited for.

        Raise ``SegmentsNotInForceError`` if the follower is processed in other segments than this.
        """
        if self._is_beside:
            self._upsert({self.tracking_name: 0}, upstream_name)
            return
        is_split = self.segments > 1
        # The follower's own row decides: whoever comes first makes it, and all others lock it.
        self._upsert({self.application_name: RETIRED if is_split else 0}, upstream_name)
        in_force = self.positions_in_force(upstream_name)
        if not in_force and self.segment is not None:
            names = (s.name for s in segments_of(self.application_name, self.segments))
            self._upsert(dict.fromkeys(names, 0), upstream_name)
        elif self.tracking_name not in in_force:
            raise self._not_in_force(upstream_name, in_force)

    def _upsert(
        self, positions: dict[str, int], upstream_name: str, *, moves: bool = False
    ) -> None:
        upstream_name = checked_text(self.tracking_model, "upstream_name", upstream_name)
        rows = [
            self.tracking_model(
                application_name=checked_text(self.tracking_model, "application_name", name),
                upstream_name=upstream_name,
                notification_id=position,
                updated_at=DatabaseNow(),
            )
            for name, position in positions.items()
        ]
        features = connections[self.alias].features
        target = ["application_name", "upstream_name"]
        # An upsert that leaves the position alone locks the row; on MySQL, an insert that ignores
        # conflicts would share the lock with the others that wait, and end in a deadlock.
        self.positions.bulk_create(
            rows,
            update_conflicts=True,
            update_fields=["updated_at", *(["notification_id"] if moves else [])],
            unique_fields=target if features.supports_update_conflicts_with_target else None,
        )

    def _not_in_force(
        self, upstream_name: str, in_force: Collection[str]
    ) -> SegmentsNotInForceError:
        if any(Segment.parse(name).is_synchronous for name in in_force):
            return SynchronousFollowerError.by(self.application_name, upstream_name)
        # One of the segments finds none in force while tables are being swapped.
        is_swap = not in_force and self.segment is not None
        count = 1 if is_swap else self.segments
        return SegmentsNotInForceError.of(
            self.application_name, upstream_name, count, len(in_force)
        )


def segment_run_by(follower: Follower) -> Segment:
    """Return the segment for which the instance of the follower processes; all of it, often."""
    recorder = follower.recorder
    segment = recorder.segment if isinstance(recorder, DjangoTrackingRecorder) else None
    return segment or Segment(follower=follower.name)
