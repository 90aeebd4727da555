"""Replaying: events are processed into scratch tables, and nothing else is changed."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from heapq import merge
from itertools import groupby, islice
from typing import Any, cast

from django.db import connections, transaction

from django_eventsourcing.models import DeadLetterRecord, ProjectionRecord
from django_eventsourcing.problems import described
from django_eventsourcing.progress import ProgressLog
from django_eventsourcing.projections import ModelProjection, ProjectedEvent
from django_eventsourcing.projections.tables import ShadowTables
from django_eventsourcing.rebuilding.records import ProjectionRows
from django_eventsourcing.recorders import DjangoApplicationRecorder, DjangoTrackingRecorder
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.segments import Segment, follower_name
from django_eventsourcing.verifying.asking import go_on
from django_eventsourcing.verifying.claims import SCRATCH
from django_eventsourcing.verifying.errors import VerifyError
from eventsourcing.persistence import Notification

__all__ = ["Positions", "Replay", "ReplayFailedError"]

Positions = Mapping[str, Mapping[str, int]]
"""How far each segment has come in each upstream."""

_SET_ASIDE = (
    DeadLetterRecord.Status.PARKED,
    DeadLetterRecord.Status.SKIPPED,
    DeadLetterRecord.Status.DISCARDED,
)
# A statement may begin with what it reads from, as that of a project may on PostgreSQL.
_WRITING = re.compile(
    r"\s*(?:WITH\s.+?\)\s+)?"
    r"(?:INSERT\s+(?:IGNORE\s+)?INTO|REPLACE\s+INTO|UPDATE|DELETE\s+FROM|DELETE|TRUNCATE"
    r"(?:\s+TABLE)?)\s+(?:ONLY\s+)?([\w.\"`-]+)",
    re.IGNORECASE | re.DOTALL,
)


class ReplayFailedError(VerifyError):
    """The projection cannot process an event that it has processed before."""


@dataclass(frozen=True, order=True)
class _Logged:
    recorded_at: datetime
    upstream: str
    notification: Notification = field(compare=False)

    @property
    def key(self) -> tuple[str, int]:
        return self.upstream, self.notification.id


class Replay:
    """
    Processes events by a projection's own code into scratch tables, up to given positions.

    Its position is in memory alone. What the follower has set aside is passed over, as it has
    been. The events of several upstreams come in the order of recording.
    """

    def __init__(
        self,
        system: ConfiguredSystem,
        follower: str,
        tables: ShadowTables,
        *,
        write: Callable[[str], object],
        is_stopping: Callable[[], bool],
        batch_size: int,
    ) -> None:
        self.alias = system.database_of(follower)
        self.events = 0
        """How many have been processed."""
        self.left_out: set[tuple[str, int]] = set()
        """The notifications that were passed over, by upstream and id."""
        self._system = system
        self._name = follower
        self._tables = tables
        self._is_stopping = is_stopping
        self._batch_size = batch_size
        self._done: dict[str, dict[str, int]] = {}
        self._progress = ProgressLog(write, f"{follower} replay", left_word="ids left")

    def positions(self) -> Positions:
        """Return how far the follower has come, as the database says it now."""
        with database_errors(self.alias):
            return {
                name: dict(self._recorder.positions_in_force(name))
                for name in self._system.upstreams_of(self._name)
            }

    def set_aside(self) -> dict[tuple[str, int], bool]:
        """
        Return the notifications that the follower has set aside, as the database says it now.

        Each comes with whether a rebuild has tried it again since: then it may have been processed.
        """
        letters = DeadLetterRecord.objects.using(self.alias).filter(
            status__in=_SET_ASIDE, application_name__startswith=self._name
        )
        with database_errors(self.alias):
            rebuilt_at = self._rebuilt_at()
            rows = list(
                letters.order_by().values_list(
                    "application_name", "upstream_name", "notification_id", "resolved_at"
                )
            )
        return {
            (upstream, id_): bool(rebuilt_at and resolved_at and resolved_at <= rebuilt_at)
            for name, upstream, id_, resolved_at in rows
            if follower_name(name) == self._name
        }

    def is_at(self, to: Positions) -> bool:
        """Tell whether all is processed up to these positions, and nothing more."""
        return all(self._done.get(name, {}) == dict(to[name]) for name in to)

    def advance(self, to: Positions) -> None:
        """Process up to these positions; raise ``VerifyError`` if it cannot be done."""
        for name, positions in to.items():
            self._require_ahead(self._done.get(name, {}), positions)
        aside = self.set_aside()
        streams = [self._stream(name, positions) for name, positions in to.items()]
        events = merge(*streams)
        while batch := list(islice(events, self._batch_size)):
            go_on(self._is_stopping)
            left_out = len(self.left_out)
            self._process(batch, aside)
            passed = len(self.left_out) - left_out
            self.events += len(batch) - passed
            last = batch[-1]
            left = max(to[last.upstream].values(), default=0) - last.notification.id
            self._progress.advance(len(batch), left=lambda left=left: max(0, left))  # type: ignore[misc]
        self._done = {name: dict(positions) for name, positions in to.items()}

    def finish(self) -> None:
        """Write a last line on the progress."""
        self._progress.finish()

    def _process(self, batch: Iterable[_Logged], aside: Mapping[tuple[str, int], bool]) -> None:
        with (
            self._tables.in_use(),
            self._nothing_else_written(),
            transaction.atomic(using=self.alias),
        ):
            # What was set aside is passed over, or tried, by itself.
            groups = groupby(batch, lambda e: (e.upstream, e.key if e.key in aside else None))
            for (upstream, key), group in groups:
                notifications = [each.notification for each in group]
                if key is None:
                    self._process_all(upstream, notifications)
                elif not (aside[key] and self._succeeds(upstream, notifications)):
                    self.left_out.add(key)

    def _succeeds(self, upstream: str, notifications: list[Notification]) -> bool:
        """Try them; return whether they could be processed, as a rebuild would have."""
        try:
            with transaction.atomic(using=self.alias):
                self._process_all(upstream, notifications)
        except ReplayFailedError:
            return False
        return True

    def _process_all(self, upstream: str, notifications: list[Notification]) -> None:
        projection = self._projection
        last = notifications[0].id
        try:
            projected = []
            for event, tracking in projection.convert_notifications(upstream, notifications):
                last = tracking.notification_id
                if projection.takes_many:
                    projected.append(ProjectedEvent(event, tracking))
                else:
                    projection.process_event(event, tracking)
            if projected:
                projection.process_events(projected)
        except VerifyError:
            raise
        except Exception as error:
            where = f"up to {last}" if projection.takes_many else f"{last}"
            raise ReplayFailedError(
                f"{self._name} cannot process notification {where} of {upstream} again: "
                f"{described(error)}"
            ) from error

    def _stream(self, upstream: str, to: Mapping[str, int]) -> Iterator[_Logged]:
        """Yield the events between the positions come to and these, of each segment its own."""
        done = self._done.get(upstream, {})
        segments = [(Segment.parse(name), done.get(name, 0), end) for name, end in to.items()]
        position = min((start for _, start, _ in segments), default=0)
        head = max(to.values(), default=0)
        while rows := self._rows(upstream, position, head):
            for logged in rows:
                id_, originator = logged.notification.id, logged.notification.originator_id
                if any(start < id_ <= end and s.has(originator) for s, start, end in segments):
                    yield logged
            position = rows[-1].notification.id

    def _rows(self, upstream: str, after: int, until: int) -> list[_Logged]:
        recorder = cast(DjangoApplicationRecorder, self._system.get(upstream).recorder)
        # Up to a position that a follower has come to, the log is settled.
        events = recorder.log.log_after(upstream, after).until(until)
        found: Any = events.with_topics(self._projection.topics)
        with database_errors(recorder.alias):
            rows = found.values_list(
                "recorded_at", "originator_id", "originator_version", "topic", "state", "id"
            )[: self._batch_size]
            return [
                _Logged(at, upstream, Notification(originator, version, topic, bytes(state), id_))
                for at, originator, version, topic, state, id_ in rows
            ]

    def _rebuilt_at(self) -> datetime | None:
        """Return when the rows were made again last, if they ever were."""
        record = ProjectionRows(self.alias, self._name).read()
        if record is None:
            return None
        if record.kind == ProjectionRecord.Kind.IN_PLACE:
            is_filling = record.step == ProjectionRecord.Step.FILLING
            return record.started_at if is_filling else None
        return None if record.rate is None else record.updated_at

    def _require_ahead(self, done: Mapping[str, int], to: Mapping[str, int]) -> None:
        if done and set(done) != set(to):
            raise VerifyError(
                f"{self._name} has been split into other segments meanwhile.  HINT: Run this again."
            )
        if any(to[name] < position for name, position in done.items()):
            raise VerifyError(f"{self._name} has been rebuilt meanwhile.  HINT: Run this again.")

    @contextmanager
    def _nothing_else_written(self) -> Iterator[None]:
        """Refuse statements that would change anything but the scratch tables."""
        with ExitStack() as stack:
            for alias in connections:
                stack.enter_context(connections[alias].execute_wrapper(self._guard))
            yield

    def _guard(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        match = _WRITING.match(sql)
        if match:
            connection = context["connection"]
            is_own = connection.alias == self.alias
            if not is_own or match[1] not in self._quoted:
                raise VerifyError(
                    f"{self._name} writes to {match[1]} of database {connection.alias!r}, which is "
                    "none of the tables of its 'models': it was kept from that, and cannot be "
                    "verified.  HINT: Name the model in 'models', if nobody else writes it."
                )
        return execute(sql, params, many, context)

    @cached_property
    def _quoted(self) -> set[str]:
        quote = connections[self.alias].ops.quote_name
        return {quote(name) for name in self._tables.names.values()}

    @cached_property
    def _recorder(self) -> DjangoTrackingRecorder:
        return cast(DjangoTrackingRecorder, self._system.get(self._name).recorder)

    @cached_property
    def _projection(self) -> ModelProjection:
        """An instance of its own: what one that runs remembers is left alone."""
        projection = cast(ModelProjection, self._system.new_segment(Segment(follower=self._name)))
        recorder: Any = projection.recorder
        recorder.segment = Segment(follower=self._name, purpose=SCRATCH)
        for name in self._system.upstreams_of(self._name):
            leader = self._system.get(name)
            projection.follow(name, leader.notification_log, leader.mapper)
        return projection
