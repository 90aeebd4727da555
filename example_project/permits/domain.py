"""Permit cases with the activities completed in them, and what can be counted of them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.domain import Aggregate, event

__all__ = [
    "Activity",
    "ActivityConflictError",
    "ActivityCount",
    "CaseDetails",
    "Month",
    "NameList",
    "PermitCase",
]


class ActivityConflictError(ValueError):
    """A different activity has been recorded under the same instance already."""


@dataclass(frozen=True, kw_only=True)
class CaseDetails:
    """What is known of a case when it is opened."""

    case_id: str
    channel: str
    department: str
    group: str
    responsible: str
    started: datetime
    deadline: datetime | None


@dataclass(frozen=True, kw_only=True)
class Activity:
    """An activity, completed in a case."""

    name: str
    instance: str
    """What tells this activity from any other, also from one of the same name."""
    resource: str
    group: str
    completed_at: datetime


class PermitCase(Aggregate):
    """An application for a permit, and what has been done about it."""

    class Opened(Aggregate.Created):
        """An application for a permit has been received."""

        case_id: str
        channel: str
        department: str
        group: str
        responsible: str
        started: datetime
        deadline: datetime | None

    class ActivityCompleted(Aggregate.Event):
        """Somebody has completed an activity."""

        activity: str
        instance: str
        resource: str
        group: str
        completed_at: datetime

    @event(Opened)
    def __init__(
        self,
        *,
        case_id: str,
        channel: str,
        department: str,
        group: str,
        responsible: str,
        started: datetime,
        deadline: datetime | None,
    ) -> None:
        self.details = CaseDetails(
            case_id=case_id,
            channel=channel,
            department=department,
            group=group,
            responsible=responsible,
            started=started,
            deadline=deadline,
        )
        self.activities: dict[str, Activity] = {}

    @staticmethod
    def create_id(case_id: str) -> UUID:
        """Return the id that the case with this number always has."""
        return uuid5(NAMESPACE_URL, f"/permits/cases/{case_id}")

    def complete(self, activity: Activity) -> bool:
        """
        Record an activity; return ``False`` if exactly this one has been recorded already.

        Raise ``ActivityConflictError`` if its instance stands for another activity.
        """
        known = self.activities.get(activity.instance)
        if known == activity:
            return False
        if known is not None:
            raise ActivityConflictError(
                f"Case {self.details.case_id} has recorded {known.name!r}, completed by "
                f"{known.resource} at {known.completed_at}, under the instance "
                f"{activity.instance!r}: {activity.name!r}, completed by {activity.resource} at "
                f"{activity.completed_at}, is another activity and needs an instance of its own."
            )
        self._complete_activity(
            activity=activity.name,
            instance=activity.instance,
            resource=activity.resource,
            group=activity.group,
            completed_at=activity.completed_at,
        )
        return True

    @event(ActivityCompleted)
    def _complete_activity(
        self, *, activity: str, instance: str, resource: str, group: str, completed_at: datetime
    ) -> None:
        self.activities[instance] = Activity(
            name=activity,
            instance=instance,
            resource=resource,
            group=group,
            completed_at=completed_at,
        )


class ActivityCount(Aggregate):
    """How often an activity has been completed, in any case."""

    class Started(Aggregate.Created):
        """The activity has been completed for the first time."""

        name: str

    class Counted(Aggregate.Event):
        """The activity has been completed once more."""

    @event(Started)
    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    @staticmethod
    def create_id(name: str) -> UUID:
        """Return the id that the count of an activity always has."""
        return uuid5(NAMESPACE_URL, f"/permits/activities/{name}")

    @event(Counted)
    def add(self) -> None:
        """Count one more."""
        self.count += 1


class Month(Aggregate):
    """What a month has brought: cases opened, activities completed."""

    class Started(Aggregate.Created):
        """Something has happened in the month for the first time."""

        name: str

    class CaseOpened(Aggregate.Event):
        """One more case has been opened in the month."""

    class ActivityCompleted(Aggregate.Event):
        """One more activity has been completed in the month."""

    @event(Started)
    def __init__(self, name: str) -> None:
        self.name = name
        self.cases = 0
        self.activities = 0

    @staticmethod
    def create_id(name: str) -> UUID:
        """Return the id that the month, written like ``2011-10``, always has."""
        return uuid5(NAMESPACE_URL, f"/permits/months/{name}")

    @event(CaseOpened)
    def add_case(self) -> None:
        """Count one more case."""
        self.cases += 1

    @event(ActivityCompleted)
    def add_activity(self) -> None:
        """Count one more activity."""
        self.activities += 1


class NameList(Aggregate):
    """The names of all counts of a kind, so that they can be found."""

    class Started(Aggregate.Created):
        """The first count of its kind is about to be made."""

        kind: str

    class NameAdded(Aggregate.Event):
        """There is a count with a name that has not been seen before."""

        name: str

    @event(Started)
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.names: list[str] = []

    @staticmethod
    def create_id(kind: str) -> UUID:
        """Return the id that the list of a kind of counts always has."""
        return uuid5(NAMESPACE_URL, f"/permits/names/{kind}")

    @event(NameAdded)
    def add(self, name: str) -> None:
        """Add a name."""
        self.names.append(name)
