"""The permit office, and the follower that counts what happens in it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from itertools import islice
from typing import TypeVar

from eventsourcing.application import AggregateNotFoundError, Application, ProcessingEvent
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import DomainEvent
from eventsourcing.system import ProcessApplication
from example_project.newest import newest_first
from example_project.permits.domain import (
    Activity,
    ActivityCount,
    CaseDetails,
    Month,
    NameList,
    PermitCase,
)

__all__ = ["CaseStatistics", "MonthDetails", "PermitCases", "Recorded"]

ACTIVITIES = "activities"
MONTHS = "months"

TCount = TypeVar("TCount", ActivityCount, Month, NameList)


class Recorded(Enum):
    """What came of an activity that was to be recorded."""

    IN_NEW_CASE = "recorded in a new case"
    IN_KNOWN_CASE = "recorded in a known case"
    ALREADY = "recorded already"


@dataclass(frozen=True, kw_only=True)
class MonthDetails:
    """What a month, written like ``2011-10``, has brought."""

    name: str
    cases: int
    activities: int


class PermitCases(Application):
    """Opens cases and records the activities completed in them."""

    def record(self, case: CaseDetails, activity: Activity) -> Recorded:
        """
        Record an activity, and open its case if need be; record nothing twice.

        Raise ``ActivityConflictError`` if its instance stands for another activity.
        """
        known = self.find_case(case.case_id)
        permit_case = known or PermitCase(**asdict(case))
        if not permit_case.complete(activity):
            return Recorded.ALREADY
        self.save(permit_case)
        return Recorded.IN_KNOWN_CASE if known else Recorded.IN_NEW_CASE

    def find_case(self, case_id: str) -> PermitCase | None:
        """Return a case, or ``None`` if there is none with this number."""
        try:
            permit_case: PermitCase = self.repository.get(PermitCase.create_id(case_id))
        except AggregateNotFoundError:
            return None
        return permit_case

    def newest_cases(self, limit: int) -> list[PermitCase.Opened]:
        """Return how the cases recorded last were opened, newest first, from the latest events."""
        return list(islice(newest_first(self, PermitCase.Opened), limit))


class CaseStatistics(ProcessApplication):
    """
    Counts activities, and what each month brings.

    The lists of names change together with the counts, in the transaction of the event that
    causes both. Counts are kept as snapshots too: the events of a busy one are many.
    """

    snapshotting_intervals = {ActivityCount: 20, Month: 20, NameList: 20}

    @singledispatchmethod
    def policy(self, domain_event: DomainEvent, processing_event: ProcessingEvent) -> None:
        """Pass over every event that nothing is to be done about."""

    @policy.register(PermitCase.Opened)
    def _(self, domain_event: PermitCase.Opened, processing_event: ProcessingEvent) -> None:
        month = self._month(domain_event.started, processing_event)
        month.add_case()
        processing_event.collect_events(month)

    @policy.register(PermitCase.ActivityCompleted)
    def _(
        self, domain_event: PermitCase.ActivityCompleted, processing_event: ProcessingEvent
    ) -> None:
        count = self._find(ActivityCount, domain_event.activity)
        if count is None:
            count = ActivityCount(domain_event.activity)
            self._list(ACTIVITIES, domain_event.activity, processing_event)
        count.add()
        month = self._month(domain_event.completed_at, processing_event)
        month.add_activity()
        processing_event.collect_events(count, month)

    def get_count(self, activity: str) -> int:
        """Return how often an activity has been completed."""
        count = self._find(ActivityCount, activity)
        return count.count if count else 0

    def get_counts(self) -> dict[str, int]:
        """Return how often each activity has been completed, the most frequent first."""
        counts = {name: self.get_count(name) for name in self._names(ACTIVITIES)}
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def get_months(self) -> list[MonthDetails]:
        """Return what each month has brought, in the order of time."""
        months = [self._find(Month, name) for name in sorted(self._names(MONTHS))]
        return [
            MonthDetails(name=month.name, cases=month.cases, activities=month.activities)
            for month in months
            if month
        ]

    def _month(self, moment: datetime, processing_event: ProcessingEvent) -> Month:
        """Return the month that it was on the office's clock at the moment."""
        name = f"{moment:%Y-%m}"
        month = self._find(Month, name)
        if month is None:
            month = Month(name)
            self._list(MONTHS, name, processing_event)
        return month

    def _list(self, kind: str, name: str, processing_event: ProcessingEvent) -> None:
        names = self._find(NameList, kind) or NameList(kind)
        names.add(name)
        processing_event.collect_events(names)

    def _names(self, kind: str) -> list[str]:
        names = self._find(NameList, kind)
        return names.names if names else []

    def _find(self, count_class: type[TCount], name: str) -> TCount | None:
        try:
            count: TCount = self.repository.get(count_class.create_id(name))
        except AggregateNotFoundError:
            return None
        return count
