"""Aggregates: whether each can be made again from its events, and its snapshots agree."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, cast
from uuid import UUID

from django.db.models import Q

from django_eventsourcing.problems import described, one_line
from django_eventsourcing.progress import ProgressLog
from django_eventsourcing.recorders import DjangoAggregateRecorder, DjangoApplicationRecorder
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.verifying.asking import go_on
from django_eventsourcing.verifying.states import differing
from eventsourcing.application import Application, project_aggregate
from eventsourcing.persistence import MapperDeserialisationError, StoredEvent

__all__ = ["AggregateFault", "AggregateReport", "AggregateVerification"]

MOST_SHOWN = 50
"""How many faults of an application are shown; all are counted."""
GROUP = 100
"""How many aggregates are read together."""
PAGE = 500
"""How many events are read at a time."""

AggregateID = UUID | str


@dataclass(frozen=True, kw_only=True)
class AggregateFault:
    """What is wrong with one aggregate."""

    originator_id: AggregateID
    version: int
    """At which it was seen first."""
    kind: str
    """``gap``, ``unreadable``, ``not rebuilt`` or ``snapshot``."""
    words: str

    def __str__(self) -> str:
        return f"{self.originator_id} at version {self.version}: {self.words}"


@dataclass(kw_only=True)
class AggregateReport:
    """What the events of one application's aggregates make."""

    application: str
    aggregates: int = 0
    """How many were looked at."""
    events: int = 0
    read_only: int = 0
    """How many have events that do not make an aggregate by themselves, and were only read."""
    snapshots: int = 0
    """How many were compared with what the events make."""
    sample: float | None = None
    """How many of a hundred were looked at; all of them, if none."""
    findings: int = 0
    """How many faults there are."""
    faults: list[AggregateFault] = field(default_factory=list)
    """The first of them."""

    def lines(self) -> Iterator[str]:
        """Yield the report as text."""
        of = f", a sample of {self.sample:g}%" if self.sample is not None else ""
        well = f"{self.findings:,} faults" if self.findings else "all can be made again"
        number = f"{self.aggregates:,} aggregate{'' if self.aggregates == 1 else 's'}{of}"
        yield f"{self.application}: {number}: {self.events:,} events, {well}"
        if self.snapshots:
            yield f"  {self.snapshots:,} snapshots compared"
        if self.read_only:
            yield f"  {self.read_only:,} only read: their events need a projector function"
        for fault in self.faults:
            yield f"  {fault.kind}: {fault}"
        if self.findings > len(self.faults):
            yield f"  and {self.findings - len(self.faults):,} more"

    def add(self, fault: AggregateFault) -> None:
        """Count it; keep it if there are few."""
        self.findings += 1
        if len(self.faults) < MOST_SHOWN:
            self.faults.append(fault)


class AggregateVerification:
    """
    Makes the aggregates of an application again from their events, one at a time.

    ``expected`` says how many events there are in all, for the progress to tell how long it takes.
    The latest snapshot of each is compared with what the events before it make: if the two are
    equal, so is what later events make of them.
    """

    def __init__(
        self,
        application: Application,
        *,
        sample: float | None = None,
        expected: int | None = None,
        write: Callable[[str], object] = lambda _: None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._application = application
        self._sample = sample
        self._is_stopping = is_stopping
        self._random = random.Random()
        if expected is not None and sample is not None:
            expected = round(expected * sample / 100)
        name = f"{application.name} events"
        self._progress = ProgressLog(write, name, total=expected, left_word="left")
        self._report = AggregateReport(application=application.name, sample=sample)

    def run(self) -> AggregateReport:
        """Look at them; return what was found."""
        with database_errors(self._recorder.alias):
            for ids in self._groups():
                # Snapshots first: whatever one holds, its events are there.
                snapshots = self._snapshots(ids)
                rebuilt: _Rebuilt | None = None
                for event in self._events(ids):
                    if rebuilt is None or rebuilt.id != event.originator_id:
                        self._close(rebuilt)
                        snapshot = snapshots.get(event.originator_id)
                        rebuilt = _Rebuilt(self._application, event.originator_id, snapshot)
                    rebuilt.take(event)
                self._close(rebuilt)
        self._progress.finish()
        return self._report

    def _close(self, rebuilt: "_Rebuilt | None") -> None:
        if rebuilt is None:
            return
        rebuilt.finish()
        self._report.aggregates += 1
        self._report.events += rebuilt.events
        self._report.read_only += rebuilt.is_read_only
        self._report.snapshots += rebuilt.is_compared
        for fault in rebuilt.faults:
            self._report.add(fault)
        self._progress.advance(rebuilt.events)

    def _groups(self) -> Iterator[list[AggregateID]]:
        """Yield the ids of the aggregates in the order of the index, each once."""
        after: AggregateID | None = None
        while True:
            go_on(self._is_stopping)
            events: Any = self._recorder.log.of(self._application.name)
            if after is not None:
                events = events.filter(originator_id__gt=after)
            ids = events.order_by("originator_id").values_list("originator_id", flat=True)
            found = list(ids.distinct()[:GROUP])
            if not found:
                return
            after = found[-1]
            if chosen := [each for each in found if self._is_chosen()]:
                yield chosen

    def _is_chosen(self) -> bool:
        return self._sample is None or self._random.random() * 100 < self._sample

    def _events(self, ids: Sequence[AggregateID]) -> Iterator[StoredEvent]:
        """Yield the events of these aggregates, each one's in the order of their versions."""
        left, last = list(ids), None
        while True:
            go_on(self._is_stopping)
            events: Any = self._recorder.log.of(self._application.name)
            events = events.filter(originator_id__in=left)
            if last is not None:
                events = events.exclude(
                    originator_id=last.originator_id,
                    originator_version__lte=last.originator_version,
                )
            rows = events.order_by("originator_id", "originator_version").values_list(
                "originator_id", "originator_version", "topic", "state"
            )
            page = [StoredEvent(id_, version, t, bytes(s)) for id_, version, t, s in rows[:PAGE]]
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1]
            left = left[left.index(last.originator_id) :]

    def _snapshots(self, ids: Sequence[AggregateID]) -> dict[AggregateID, StoredEvent]:
        """Return the latest snapshot of each of these aggregates that has one."""
        store = self._application.snapshots
        if store is None or not isinstance(store.recorder, DjangoAggregateRecorder):
            return {}
        records: Any = store.recorder.records.of(self._application.name)
        with database_errors(store.recorder.alias):
            versions = records.filter(originator_id__in=ids).order_by("originator_version")
            latest = dict(versions.values_list("originator_id", "originator_version"))
            if not latest:
                return {}
            wanted = (Q(originator_id=i, originator_version=v) for i, v in latest.items())
            rows = (
                records.filter(reduce(or_, wanted))
                .order_by()
                .values_list("originator_id", "originator_version", "topic", "state")
            )
            return {id_: StoredEvent(id_, v, topic, bytes(state)) for id_, v, topic, state in rows}

    @property
    def _recorder(self) -> DjangoApplicationRecorder:
        return cast(DjangoApplicationRecorder, self._application.recorder)


class _Rebuilt:
    """One aggregate, as far as its events have come."""

    def __init__(
        self, application: Application, id_: AggregateID, snapshot: StoredEvent | None
    ) -> None:
        self.id = id_
        self.events = 0
        self.faults: list[AggregateFault] = []
        self.is_read_only = False
        self.is_compared = False
        self._application = application
        self._snapshot = snapshot
        self._aggregate: Any = None
        self._version: int | None = None
        self._goes_on = True

    def take(self, stored_event: StoredEvent) -> None:
        """Let the next event change the aggregate."""
        self.events += 1
        version, before = stored_event.originator_version, self._version
        self._version = version
        if before is not None and version != before + 1:
            which = (
                f"version {before + 1}"
                if version == before + 2
                else f"versions {before + 1} to {version - 1}"
            )
            self._fail(version, "gap", f"{which} missing: no event is recorded of it")
        event = self._read(stored_event)
        if event is not None and self._goes_on:
            self._apply(event, version)
        if self._snapshot is not None and self._snapshot.originator_version == version:
            self._compare(self._snapshot)

    def finish(self) -> None:
        """Say so if there is a snapshot of what the events do not come to."""
        snapshot, version = self._snapshot, self._version or 0
        if snapshot is not None and snapshot.originator_version > version:
            self._fail(
                snapshot.originator_version, "snapshot", f"its events end at version {version}"
            )

    def _read(self, stored_event: StoredEvent) -> Any:
        try:
            return self._application.mapper.to_domain_event(stored_event)
        except MapperDeserialisationError as error:
            cause = described(error.__cause__) if error.__cause__ else one_line(error)
            words = f"the event with topic {stored_event.topic!r} cannot be read: {cause}"
            self._fail(stored_event.originator_version, "unreadable", words)
            return None

    def _apply(self, event: Any, version: int) -> None:
        if self._aggregate is None and not hasattr(event, "mutate"):
            self.is_read_only, self._goes_on = True, False
            return
        try:
            self._aggregate = project_aggregate(self._aggregate, [event])
        except Exception as error:  # noqa: BLE001 - whatever the project's code raises
            self._fail(version, "not rebuilt", f"{type(event).__qualname__}: {described(error)}")

    def _compare(self, snapshot: StoredEvent) -> None:
        store = self._application.snapshots
        if store is None or not self._goes_on:
            return
        version = snapshot.originator_version
        self.is_compared = True
        try:
            made = store.mapper.to_domain_event(snapshot).mutate(None)
        except Exception as error:  # noqa: BLE001 - whatever the project's code raises
            self._note(version, "snapshot", f"the snapshot cannot be read: {described(error)}")
            return
        if names := differing(made, self._aggregate):
            words = f"the snapshot differs from what the events make, in {', '.join(names)}"
            self._note(version, "snapshot", words)

    def _fail(self, version: int, kind: str, words: str) -> None:
        """Note what is wrong; what follows from it is not noted."""
        if self._goes_on:
            self._note(version, kind, words)
        self._goes_on = False

    def _note(self, version: int, kind: str, words: str) -> None:
        self.faults.append(
            AggregateFault(originator_id=self.id, version=version, kind=kind, words=words)
        )
