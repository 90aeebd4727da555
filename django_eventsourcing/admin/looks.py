"""Looks: how the configured systems are doing, each looked at once for a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_eventsourcing.admin.sparklines import Sparkline, sparkline
from django_eventsourcing.progress import format_duration, format_rate
from django_eventsourcing.reading import in_one_line
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.status import (
    FollowerStatus,
    Severity,
    SystemStatus,
    Verdict,
    WorkerStatus,
    health,
    system_status,
)
from django_eventsourcing.status.look import follower_status
from django_eventsourcing.status.report import status_lines
from django_eventsourcing.status.verdicts import counted
from django_eventsourcing.wording import for_reader
from eventsourcing.exceptions import EventSourcingError

__all__ = [
    "FollowerLook",
    "Look",
    "WorkerLook",
    "behind_of",
    "look_at",
    "look_at_follower",
    "pace_of",
    "shown_count",
    "shown_time",
    "verdict_label",
]

_LABELS: dict[Verdict, Promise] = {
    Verdict.CAUGHT_UP: _("caught up"),
    Verdict.LAGGING: _("lagging"),
    Verdict.RETRYING: _("retrying"),
    Verdict.HELD_UP: _("held up"),
    Verdict.STUCK: _("stuck"),
    Verdict.FAILED: _("failed"),
    Verdict.NOT_RUNNING: _("not running"),
    Verdict.PARKED: _("parked"),
    Verdict.PAUSED: _("paused"),
    Verdict.UNKNOWN: _("unknown"),
}


@dataclass(frozen=True, kw_only=True)
class PipeLook:
    """Where a follower is in one log, as it is shown."""

    upstream: str
    position: str
    head: str
    behind: str
    oldest: str
    """How long the oldest notification has been pending; empty if none is."""
    error: str


@dataclass(frozen=True, kw_only=True)
class FollowerLook:
    """A follower as pages show it."""

    status: FollowerStatus
    severity: Severity
    url: str

    @property
    def name(self) -> str:
        """The follower's name, or that of a segment."""
        return self.status.name

    @property
    def label(self) -> str:
        """The verdict, in a word of the reader's language."""
        return verdict_label(self.status.verdict)

    @property
    def words(self) -> str:
        """The verdict, in a sentence of the reader's language."""
        return for_reader(self.status.words)

    @property
    def worker(self) -> str:
        """The worker that holds it; empty if none does."""
        worker = self.status.worker
        return for_reader(worker.words) if worker and self.status.is_held else ""

    @property
    def pipes(self) -> list[PipeLook]:
        """Its positions, by upstream."""
        return [
            PipeLook(
                upstream=pipe.upstream,
                position=_number(pipe.position),
                head=_number(pipe.head),
                behind="-" if pipe.error else shown_count(pipe.behind, is_more=pipe.is_more),
                oldest="" if pipe.behind_seconds is None else shown_time(pipe.behind_seconds),
                error=pipe.error,
            )
            for pipe in self.status.pipes
        ]

    @property
    def parked(self) -> str:
        """How many notifications it has set aside."""
        return shown_count(self.status.parked, is_more=self.status.is_more_parked)

    @property
    def rate(self) -> str:
        """How fast it goes; a dash if it is not known."""
        return "-" if self.status.rate is None else for_reader(format_rate(self.status.rate))

    @property
    def eta(self) -> str:
        """In how long it will have caught up; a dash if that is not known, or nothing is left."""
        eta = self.status.eta_seconds
        return "-" if eta is None else shown_time(eta)

    @property
    def sparkline(self) -> Sparkline | None:
        """How fast it went in the last hour; ``None`` where nobody puts that on record."""
        return sparkline(self.status.rates, self.status.rate)

    @property
    def is_told(self) -> bool:
        """Whether workers run it, which operators can tell what to do."""
        pipes = self.status.pipes
        is_synchronous = bool(pipes) and all(pipe.is_synchronous for pipe in pipes)
        return not (self.status.in_memory or is_synchronous)

    @property
    def stopped_in(self) -> list[str]:
        """The upstream whose notification has failed, and those in which something is pending."""
        pipes = self.status.pipes
        failed = self.status.failed_upstream
        first = [pipe.upstream for pipe in pipes if pipe.upstream == failed]
        return first + [pipe.upstream for pipe in pipes if pipe.behind or pipe.is_more]

    @property
    def has_failed(self) -> bool:
        """Whether there is something that it could try again."""
        return self.status.failed_notification is not None or bool(self.status.error)


@dataclass(frozen=True, kw_only=True)
class WorkerLook:
    """A worker as pages show it."""

    status: WorkerStatus

    @property
    def heartbeat(self) -> str:
        """How long ago it was last heard of."""
        return shown_time(self.status.heartbeat_seconds)


@dataclass(frozen=True, kw_only=True)
class Look:
    """A system as pages show it."""

    system: ConfiguredSystem
    followers: Sequence[FollowerLook]
    workers: Sequence[WorkerLook]
    problems: Sequence[str]
    """What cannot be read, who holds up writers, and what is due."""
    text: str = ""
    """What ``es_status`` prints of the system, in English as it does."""

    @property
    def alias(self) -> str:
        """The system's key in the setting."""
        return self.system.alias

    @property
    def summary(self) -> str:
        """Which followers somebody has to look at, without numbers that change all the time."""
        ill = [each for each in self.followers if each.severity is not Severity.OK]
        if not ill:
            return gettext("All followers are well.")
        words = gettext("%(follower)s is %(state)s.")
        return " ".join(words % {"follower": each.name, "state": each.label} for each in ill)

    def runs_of(self, application: str) -> list[FollowerLook]:
        """Return the follower of this name, or its segments; nothing for a leader."""
        of = self.system.application_of
        return [each for each in self.followers if of(each.name) == application]


def look_at(system: ConfiguredSystem, urls: dict[str, str] | None = None) -> Look:
    """Return how the system is doing; what cannot be read is told among its problems."""
    try:
        status = system_status(system.alias)
    except (DatabaseError, EventSourcingError, ImproperlyConfigured) as error:
        # A system that cannot be looked at does not hide the others.
        status = SystemStatus(alias=system.alias, errors=(in_one_line(error),))
    findings = health(status)
    severities = {finding.follower: finding.severity for finding in findings}
    of_writers = [finding.words for finding in findings if not finding.follower]
    return Look(
        system=system,
        followers=[
            FollowerLook(
                status=each, severity=severities[each.name], url=(urls or {}).get(each.name, "")
            )
            for each in status.followers
        ],
        workers=[WorkerLook(status=each) for each in status.workers],
        problems=[for_reader(each) for each in (*status.errors, *of_writers, *status.notices)],
        text="\n".join(status_lines(status, findings)),
    )


def look_at_follower(system: ConfiguredSystem, name: str, url: str) -> FollowerLook:
    """Return how one follower is doing; raise what the settings, or its application, provoke."""
    status = follower_status(system.alias, name)
    [finding] = health(SystemStatus(alias=system.alias, followers=(status,)))
    return FollowerLook(status=status, severity=finding.severity, url=url)


def behind_of(followers: Sequence[FollowerLook]) -> str:
    """Return how many notifications are pending for them together; empty if none is."""
    behind = sum(each.status.behind for each in followers)
    is_more = any(each.status.is_more for each in followers)
    return shown_count(behind, is_more=is_more) if behind or is_more else ""


def pace_of(followers: Sequence[FollowerLook]) -> str:
    """Return how long the oldest notification waits for them, and how fast they go together."""
    ages = [each.status.behind_seconds for each in followers]
    rates = [each.status.rate for each in followers if each.status.rate is not None]
    age = max((age for age in ages if age is not None), default=None)
    lag = "" if age is None else gettext("oldest %(age)s") % {"age": shown_time(age)}
    return ", ".join(filter(None, [lag, for_reader(format_rate(sum(rates))) if rates else ""]))


def shown_count(number: int, *, is_more: bool = False) -> str:
    """Return a number of rows or events as the reader's language writes it."""
    return for_reader(counted(number, is_more=is_more))


def shown_time(seconds: float) -> str:
    """Return how long something takes, in words of the reader's language."""
    return for_reader(format_duration(seconds))


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def verdict_label(verdict: Verdict) -> str:
    """Return the verdict in a word of the reader's language."""
    return str(_LABELS[verdict])
