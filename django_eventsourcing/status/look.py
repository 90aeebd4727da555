"""Looks: the few queries that a status takes, however long the logs are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db.models import Q, Subquery
from django.db.models.expressions import BaseExpression

from django_eventsourcing.at_once import Counted, let_gather, read_at_once
from django_eventsourcing.database_clock import DatabaseNow, seconds_between
from django_eventsourcing.databases import without_password
from django_eventsourcing.holders import gap_holders
from django_eventsourcing.models import (
    AbstractStoredEvent,
    AbstractTracking,
    DeadLetterRecord,
    FollowerRecord,
    WorkerRecord,
)
from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.reading import in_one_line, separate_look
from django_eventsourcing.rebuilding.versions import projection_notices
from django_eventsourcing.recorders.errors import (
    SegmentsNotInForceError,
    SynchronousFollowerError,
    translated,
)
from django_eventsourcing.registry import ConfiguredSystem, get_system
from django_eventsourcing.segments import Segment
from django_eventsourcing.status.paces import Pace, asked_minutes, paces_of
from django_eventsourcing.status.values import (
    FollowerStatus,
    HolderStatus,
    PipeStatus,
    SystemStatus,
    Verdict,
    WorkerStatus,
)
from django_eventsourcing.status.verdicts import judge
from django_eventsourcing.writer_queue import WriterQueue, find_writer_queue
from eventsourcing.exceptions import EventSourcingError
from eventsourcing.persistence import TrackingRecorder

__all__ = ["COUNT_LIMIT", "follower_status", "system_status"]

COUNT_LIMIT = 10_000
"""Notifications are counted up to here; beyond, it is enough to know that there are more."""
WINDOW = 100_000
"""Ids that are looked at for a follower of some topics, since no index knows the topics."""
WORKER_LIMIT = 100
"""Workers that are told of one database, those heard of last."""
STALE_AFTER = 15.0
"""Seconds after which a worker that has not been heard of is taken for dead."""

T = TypeVar("T")


def system_status(alias: str = "default", *, count_limit: int = COUNT_LIMIT) -> SystemStatus:
    """
    Return how the configured system is doing.

    What cannot be read is told in the status; nothing is raised for a database that does not
    answer. Raise ``ImproperlyConfigured`` if the settings have faults.
    """
    return _Look(get_system(alias), count_limit).status()


def follower_status(alias: str, name: str, *, count_limit: int = COUNT_LIMIT) -> FollowerStatus:
    """
    Return how one follower, or segment, of the configured system is doing, as in the status.

    What cannot be read is told in it. Raise ``ImproperlyConfigured`` if the settings have faults.
    """
    [status], _ = _Look(get_system(alias), count_limit).followers([name])
    return status


@dataclass(kw_only=True)
class _Operating:
    """What the operating tables of one database say."""

    followers: dict[str, FollowerRecord] = field(default_factory=dict)
    workers: dict[Any, WorkerStatus] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class _Row:
    """Where a follower is in one log, and how long ago it got there."""

    notification_id: int
    moved_seconds: float


class _Question(NamedTuple):
    """What is asked of a database, among other things, in one statement."""

    what: str
    upstream: str = ""
    follower: str = ""


class _Look:
    """One look at a system; each table is asked once, and remembered."""

    def __init__(self, system: ConfiguredSystem, count_limit: int) -> None:
        self._system = system
        self._limit = count_limit
        self._operating: dict[str, _Operating] = {}
        self._rows: dict[tuple[str, type[AbstractTracking]], dict[tuple[str, str], _Row] | str] = {}
        self._answers: dict[str, dict[_Question, Any] | str] = {}
        self._paces: dict[str, Pace] = {}
        self._errors: dict[str, str] = {}

    def status(self) -> SystemStatus:
        followers, holders = self.followers(self._system.runs)
        holders += self._queues()
        workers = [w for operating in self._operating.values() for w in operating.workers.values()]
        return SystemStatus(
            alias=self._system.alias,
            followers=tuple(followers),
            workers=tuple(workers),
            holders=tuple(holders),
            notices=tuple(self._notices()),
            errors=tuple(self._errors.values()),
        )

    def followers(self, names: Iterable[str]) -> tuple[list[FollowerStatus], list[HolderStatus]]:
        """Return the followers, and who holds the tables of logs in which something is pending."""
        found = [self._found(name) for name in names]
        self._ask(found)
        observed = [self._observed(each) for each in found]
        holders = list(self._holders(observed))
        return [self._judged(each, holders) for each in observed], holders

    def _notices(self) -> Iterator[str]:
        """Yield what is to be known of the rows of projections."""
        kept: dict[str, list[str]] = {}
        for name in dict.fromkeys(self._system.application_of(run) for run in self._system.runs):
            if self._system.is_persisted(name):
                kept.setdefault(self._system.database_of(name), []).append(name)
        for database, names in kept.items():
            found = self._read(database, partial(projection_notices, self._system, names))
            yield from () if isinstance(found, str) else (each.words for each in found)

    def _judged(self, follower: FollowerStatus, holders: Sequence[HolderStatus]) -> FollowerStatus:
        verdict, words = judge(follower, holders)
        # Nothing is promised of one that does not go on.
        eta = follower.eta_seconds if verdict is Verdict.LAGGING else None
        return replace(follower, verdict=verdict, words=words, eta_seconds=eta)

    def _found(self, name: str) -> FollowerStatus:
        """Return the follower with its positions, and without what is pending."""
        database = self._system.database_of(name)
        is_persisted = self._system.is_persisted(name)
        follower = FollowerStatus(name=name, database=database, in_memory=not is_persisted)
        if is_persisted:
            operating = self._operating_in(database)
            if operating.error:
                return replace(follower, error=operating.error)
            follower = _with_record(follower, operating)
        upstreams = self._system.upstreams_of(name)
        return replace(follower, pipes=tuple(self._pipe(name, upstream) for upstream in upstreams))

    def _ask(self, followers: Iterable[FollowerStatus]) -> None:
        """Ask each database once for heads, for what is pending, and for what is set aside."""
        questions: dict[str, dict[_Question, BaseExpression]] = {}
        named: dict[str, list[str]] = {}
        for follower in followers:
            if follower.error and not follower.pipes:
                continue
            if not follower.in_memory:
                asked = questions.setdefault(follower.database, {})
                asked[_Question("parked", follower=follower.name)] = self._parked(follower)
                named.setdefault(follower.database, []).append(follower.name)
            for pipe in follower.pipes:
                if not pipe.error and self._system.is_persisted(pipe.upstream):
                    asked = questions.setdefault(self._system.database_of(pipe.upstream), {})
                    asked |= self._pending(follower.name, pipe)
        for database, asked in questions.items():
            asked[_Question("now")] = DatabaseNow()
            names = named.get(database, [])
            minutes = _Question("minutes")
            if names:
                asked[minutes] = asked_minutes(names)
            answers = self._read(database, partial(_answered, database, asked))
            self._answers[database] = answers
            if not isinstance(answers, str):
                self._paces |= paces_of(answers.get(minutes), answers[_Question("now")])

    def _parked(self, follower: FollowerStatus) -> Counted:
        letters = DeadLetterRecord.objects.using(follower.database).filter(
            application_name=follower.name, status=DeadLetterRecord.Status.PARKED
        )
        return Counted(letters, self._limit + 1)

    def _pending(self, name: str, pipe: PipeStatus) -> dict[_Question, BaseExpression]:
        """Return what to ask of a log: its head, and how much of it is pending, since when."""
        upstream, start = pipe.upstream, pipe.position or 0
        head = self._events(upstream).head(upstream)
        asked: dict[_Question, BaseExpression] = {_Question("head", upstream): head}
        if pipe.is_synchronous:
            return asked
        later = self._events(upstream).log_after(upstream, start)
        if topics := self._topics_of(name):
            later = later.until(start + WINDOW).with_topics(topics)
        asked[_Question("oldest", upstream, name)] = Subquery(later.values("recorded_at")[:1])
        asked[_Question("pending", upstream, name)] = Counted(later, self._limit + 1)
        return asked

    def _topics_of(self, name: str) -> tuple[str, ...]:
        return tuple(getattr(self._system.class_of(name), "topics", ()))

    def _observed(self, follower: FollowerStatus) -> FollowerStatus:
        """Return the follower with what is pending, and what is set aside."""
        if follower.error and not follower.pipes:
            return follower
        if not follower.in_memory:
            answers = self._answers[follower.database]
            if isinstance(answers, str):
                return replace(follower, pipes=(), error=answers)
            parked = answers[_Question("parked", follower=follower.name)] or 0
            follower = replace(
                follower, parked=min(parked, self._limit), is_more_parked=parked > self._limit
            )
        pipes = tuple(self._ahead(follower.name, pipe) for pipe in follower.pipes)
        return self._paced(_without_old_failure(replace(follower, pipes=pipes)))

    def _paced(self, follower: FollowerStatus) -> FollowerStatus:
        if follower.in_memory:
            return follower
        pace = self._paces.get(follower.name, Pace())
        # By ids, as what is pending is counted up to a limit.
        left = sum(max(0, (p.head or 0) - (p.position or 0)) for p in follower.pipes if p.behind)
        eta = left / pace.ids_rate if left and pace.ids_rate else None
        return replace(follower, rate=pace.rate, rates=pace.rates, eta_seconds=eta)

    def _operating_in(self, database: str) -> _Operating:
        if database not in self._operating:
            found = self._read(database, lambda: self._read_operating(database))
            self._operating[database] = _Operating(error=found) if isinstance(found, str) else found
        return self._operating[database]

    def _read_operating(self, database: str) -> _Operating:
        kept = self._system.names_in(database)
        names = [n for n in self._system.runs if self._system.application_of(n) in kept]
        now = {"now": DatabaseNow()}
        records = FollowerRecord.objects.using(database).annotate(**now).order_by("id")
        workers = WorkerRecord.objects.using(database).annotate(**now).order_by("-heartbeat_at")
        followers = {r.application_name: r for r in records.filter(application_name__in=names)}
        own = workers.filter(system_alias=self._system.alias)[:WORKER_LIMIT]
        return _Operating(
            followers=followers,
            workers={worker.id: _worker(worker) for worker in own},
        )

    def _pipe(self, name: str, upstream: str) -> PipeStatus:
        """Return the pipe with its position, or why it cannot be told."""
        pipe = PipeStatus(upstream=upstream)
        if self._system.is_persisted(name):
            rows = self._tracking(name)
            if isinstance(rows, str):
                return replace(pipe, error=rows)
            row = rows.get((name, upstream))
            if (Segment.synchronous(self._system.application_of(name)).name, upstream) in rows:
                return self._synchronous(replace(pipe, is_synchronous=True), name)
            others = self._in_force(name, upstream, rows) if row is None else 0
            if others:
                refusal = self._refusal(name, upstream, others)
                return replace(pipe, error=refusal, segments_in_force=others)
        else:
            row = self._row_in_memory(name, upstream)
        if row is None:
            return pipe
        return replace(pipe, position=row.notification_id or None, moved_seconds=row.moved_seconds)

    def _synchronous(self, pipe: PipeStatus, name: str) -> PipeStatus:
        own = self._system.application_of(name)
        if self._system.config.application(own).sync:
            return pipe
        error = SynchronousFollowerError.by(own, pipe.upstream)
        return replace(pipe, error=in_one_line(error))

    def _tracking(self, name: str) -> dict[tuple[str, str], _Row] | str:
        """Return the positions of all whose table is that of the follower, or why they are not."""
        try:
            key = (self._system.database_of(name), self._system.models_of(name).tracking)
        except ImproperlyConfigured as error:
            return in_one_line(error)
        if key not in self._rows:
            self._rows[key] = self._read(key[0], partial(self._read_tracking, *key))
        return self._rows[key]

    def _read_tracking(
        self, database: str, model: type[AbstractTracking]
    ) -> dict[tuple[str, str], _Row]:
        names = self._system.system.followers
        wanted = Q(application_name__in=names)
        for each in names:
            wanted |= Q(application_name__startswith=f"{each}[")
        records = model.objects.using(database).in_force().filter(wanted)
        values = records.annotate(now=DatabaseNow()).values_list(
            "application_name", "upstream_name", "notification_id", "updated_at", "now"
        )
        return {
            (follower, upstream): _Row(notification_id=id_, moved_seconds=_age(now, at))
            for follower, upstream, id_, at, now in values.order_by()
        }

    def _in_force(self, name: str, upstream: str, rows: Iterable[tuple[str, str]]) -> int:
        """Return by how many positions in the upstream the follower is processed."""
        own = self._system.application_of(name)
        found = [run for run, of in rows if of == upstream]
        return sum(self._system.application_of(run) == own for run in found)

    def _refusal(self, name: str, upstream: str, in_force: int) -> str:
        own = self._system.application_of(name)
        count = len(self._system.runs_of(own))
        return in_one_line(SegmentsNotInForceError.of(own, upstream, count, in_force))

    def _row_in_memory(self, name: str, upstream: str) -> _Row | None:
        recorder = self._system.get(name).recorder
        if not isinstance(recorder, TrackingRecorder):
            return None
        position = recorder.max_tracking_id(upstream)
        return None if position is None else _Row(notification_id=position, moved_seconds=0.0)

    def _ahead(self, name: str, pipe: PipeStatus) -> PipeStatus:
        """Return the pipe with the head of the log, and with what is pending."""
        if pipe.error:
            return pipe
        if not self._system.is_persisted(pipe.upstream):
            found = self._read(
                self._system.database_of(pipe.upstream), partial(self._ahead_in_memory, pipe)
            )
            return replace(pipe, error=found) if isinstance(found, str) else found
        answers = self._answers[self._system.database_of(pipe.upstream)]
        if isinstance(answers, str):
            return replace(pipe, error=answers)
        head, start = answers[_Question("head", pipe.upstream)], pipe.position or 0
        if pipe.is_synchronous:
            return replace(pipe, position=head, head=head)
        pipe = replace(pipe, head=head)
        if head is None or head <= start:
            return pipe
        is_more = bool(self._topics_of(name)) and start + WINDOW < head
        counted = answers[_Question("pending", pipe.upstream, name)] or 0
        oldest = answers[_Question("oldest", pipe.upstream, name)]
        return replace(
            pipe,
            behind=min(counted, self._limit),
            is_more=is_more or counted > self._limit,
            behind_seconds=None if oldest is None else _age(answers[_Question("now")], oldest),
        )

    def _ahead_in_memory(self, pipe: PipeStatus) -> PipeStatus:
        head = self._system.get(pipe.upstream).recorder.max_notification_id()
        if pipe.is_synchronous:
            return replace(pipe, position=head, head=head)
        return replace(pipe, head=head, behind=max(0, (head or 0) - (pipe.position or 0)))

    def _events(self, name: str) -> StoredEventQuerySet[AbstractStoredEvent]:
        events: StoredEventQuerySet[AbstractStoredEvent] = self._system.models_of(
            name
        ).event.objects.using(self._system.database_of(name))
        return events

    def _holders(self, followers: Iterable[FollowerStatus]) -> Iterator[HolderStatus]:
        """Return who holds the tables of the logs in which something is pending."""
        tables: dict[tuple[str, type[AbstractStoredEvent]], set[str]] = {}
        for pipe in (pipe for follower in followers for pipe in follower.pipes):
            if pipe.behind and self._system.is_persisted(pipe.upstream):
                database = self._system.database_of(pipe.upstream)
                model = self._system.models_of(pipe.upstream).event
                tables.setdefault((database, model), set()).add(pipe.upstream)
        for (database, model), upstreams in tables.items():
            found = self._read(database, partial(gap_holders, database, model))
            for holder in [] if isinstance(found, str) else found:
                yield HolderStatus(
                    database=database,
                    upstreams=tuple(sorted(upstreams)),
                    pid=holder.pid,
                    seconds=holder.seconds,
                    words=holder.words,
                )

    def _queues(self) -> Iterator[HolderStatus]:
        """Return whom those wait for who record events."""
        for database in self._system.databases:
            queue = self._read(database, partial(find_writer_queue, database))
            if isinstance(queue, WriterQueue):
                yield HolderStatus(
                    database=database,
                    upstreams=tuple(self._system.names_in(database)),
                    pid=queue.pid,
                    seconds=queue.seconds,
                    words=queue.words,
                    keeps_writers=True,
                )

    def _read(self, database: str, read: Callable[[], T]) -> T | str:
        """Return what is read, or why it cannot be."""
        if database in self._errors:
            # A server that does not answer is waited for once.
            return self._errors[database]
        try:
            with separate_look(database):
                return read()
        except DatabaseError as error:
            self._errors[database] = without_password(database, str(translated(error, database)))
            return self._errors[database]
        except (EventSourcingError, ImproperlyConfigured) as error:
            return in_one_line(error)


def _answered(database: str, asked: dict[_Question, BaseExpression]) -> dict[_Question, Any]:
    let_gather(database)
    return read_at_once(database, asked)


def _with_record(follower: FollowerStatus, operating: _Operating) -> FollowerStatus:
    record: Any = operating.followers.get(follower.name)
    if record is None:
        return follower
    expires_at = record.lease_expires_at
    return replace(
        follower,
        is_wanted=record.desired_state != FollowerRecord.DesiredState.PAUSED,
        reason=" ".join(record.desired_reason.split()),
        state=record.state,
        is_held=record.lease_owner is not None
        and expires_at is not None
        and seconds_between(record.now, expires_at) > 0,
        worker=operating.workers.get(record.lease_owner),
        written_seconds=_age(record.now, record.updated_at),
        failed_upstream=record.upstream_name,
        failed_notification=record.notification_id,
        attempts=record.attempts,
        error=" ".join(record.error.split()),
        traceback=record.traceback,
    )


def _without_old_failure(follower: FollowerStatus) -> FollowerStatus:
    """Return the follower as it is if the notification that failed has been processed since."""
    position = {pipe.upstream: pipe.position or 0 for pipe in follower.pipes}
    failed = follower.failed_notification
    if failed is None or position.get(follower.failed_upstream, 0) < failed:
        return follower
    state = "" if follower.state in ("failed", "retrying") else follower.state
    return replace(
        follower,
        state=state,
        failed_upstream="",
        failed_notification=None,
        attempts=0,
        error="",
        traceback="",
    )


def _worker(record: Any) -> WorkerStatus:
    age = _age(record.now, record.heartbeat_at)
    return WorkerStatus(
        id=record.id,
        name=record.name,
        host=record.host,
        pid=record.pid,
        version=record.version,
        wake_up=record.wake_up,
        started_at=record.started_at,
        heartbeat_seconds=age,
        is_alive=age <= STALE_AFTER,
        followers=tuple(record.followers),
    )


def _age(now: datetime, at: datetime) -> float:
    # Whoever wrote the time may have another clock than the database.
    return max(0.0, seconds_between(at, now))
