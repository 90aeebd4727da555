"""Values: what is known of a system at one moment; ages are told by the clocks of its databases."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django_eventsourcing.wording import Words

__all__ = [
    "MINUTES",
    "FollowerStatus",
    "HolderStatus",
    "PipeStatus",
    "SystemStatus",
    "Verdict",
    "WorkerStatus",
]

MINUTES = 60
"""Minutes of which it is told how fast followers went."""


class Verdict(StrEnum):
    """How a follower is doing, in a word; ``FollowerStatus.words`` says more."""

    CAUGHT_UP = "caught up"
    LAGGING = "lagging"
    """It is behind, and catching up."""
    RETRYING = "retrying"
    """A notification has failed, and is tried again."""
    HELD_UP = "held up"
    """Somebody's open transaction may yet add events before those that are pending."""
    STUCK = "stuck"
    """It is behind, and nothing moves."""
    FAILED = "failed"
    """It has stopped, at a notification that keeps failing, or because its thread has died."""
    NOT_RUNNING = "not running"
    """Nothing is pending, and nobody would process what comes."""
    PARKED = "parked"
    """It is caught up, apart from notifications that it has set aside."""
    PAUSED = "paused"
    UNKNOWN = "unknown"
    """It cannot be looked at, or its positions are for another number of segments."""


@dataclass(frozen=True, kw_only=True)
class WorkerStatus:
    """A process that runs followers."""

    id: UUID
    name: str
    host: str
    pid: int
    version: str
    wake_up: str
    """How it hears of commits elsewhere: ``listening``, ``polling``, or ``listening lost``."""
    started_at: datetime
    heartbeat_seconds: float
    """How long ago it was last heard of."""
    is_alive: bool
    followers: tuple[str, ...] = ()
    """The names of the followers that it may run."""

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> Words:
        """Its name, and where it runs."""
        return Words.gettext(
            "%(name)s (%(host)s, process %(pid)d)", name=self.name, host=self.host, pid=self.pid
        )


@dataclass(frozen=True, kw_only=True)
class HolderStatus:
    """An open transaction that followers, or writers, wait for."""

    database: str
    upstreams: tuple[str, ...]
    """The names of the applications whose logs are in the table that it holds."""
    pid: int | None
    """The server's process; ``None`` for a transaction that has been prepared."""
    seconds: float | None
    """How long the transaction has been open; ``None`` if that may not be seen."""
    words: str
    """``held by pid 4711 for 12 s (idle in transaction)``"""
    keeps_writers: bool = False
    """Whether it is writers that wait for it, as on MariaDB; otherwise, followers do."""


@dataclass(frozen=True, kw_only=True)
class PipeStatus:
    """How far a follower is in the log of one application that it follows."""

    upstream: str
    position: int | None = None
    """The id of the last notification processed; ``None`` before the first."""
    head: int | None = None
    """The id of the last notification in the log."""
    behind: int = 0
    """How many notifications are pending; counted up to a limit."""
    is_more: bool = False
    """Whether there are more than counted."""
    behind_seconds: float | None = None
    """The age of the oldest pending notification; ``None`` if there is none."""
    moved_seconds: float | None = None
    """How long ago the position moved; ``None`` if it never has."""
    is_synchronous: bool = False
    """Whether the follower processes in the transactions that record."""
    segments_in_force: int = 0
    """By how many segments the log is processed, where the settings say another number."""
    error: str = ""
    """Why the log or the position cannot be read."""

    @property
    def still_seconds(self) -> float:
        """How long a pending notification has been waiting for the position to move."""
        if self.behind_seconds is None:
            return 0.0
        return min(self.behind_seconds, self.moved_seconds or self.behind_seconds)


@dataclass(frozen=True, kw_only=True)
class FollowerStatus:
    """How one follower is doing."""

    name: str
    database: str
    """The alias of the database that keeps its positions."""
    verdict: Verdict = Verdict.UNKNOWN
    words: str = ""
    """The verdict in a sentence of English; ``wording.for_reader()`` translates it."""
    pipes: tuple[PipeStatus, ...] = ()
    is_wanted: bool = True
    """Whether operators want it to run; otherwise it is paused."""
    reason: str = ""
    """Why it is paused."""
    state: str = ""
    """What the worker that holds it said last."""
    is_held: bool = False
    """Whether a worker's lease on it is live, by the clock of the database."""
    worker: WorkerStatus | None = None
    """The worker that holds it, or has held it last."""
    written_seconds: float | None = None
    """How long ago it was last put on record what it does, or what is wanted of it."""
    parked: int = 0
    """How many notifications it has set aside; counted up to a limit."""
    is_more_parked: bool = False
    failed_upstream: str = ""
    """Whose notification has failed, if one has."""
    failed_notification: int | None = None
    attempts: int = 0
    error: str = ""
    """The last error, in one line; or why it cannot be looked at."""
    traceback: str = ""
    """That of the last error."""
    rate: float | None = None
    """
    Notifications a second, while there were any to process, in the last minute or two.

    ``None`` if none have been processed, as far as workers have put it on record.
    """
    eta_seconds: float | None = None
    """In how many seconds it would be caught up at this rate; ``None`` if it does not go on."""
    rates: tuple[float, ...] = ()
    """Notifications a second in each minute of the last hour; the last is not over yet."""
    in_memory: bool = False
    """Whether its positions are kept in the memory of each process, for that process alone."""

    @property
    def behind(self) -> int:
        """How many notifications are pending in all the logs that it follows."""
        return sum(pipe.behind for pipe in self.pipes)

    @property
    def is_more(self) -> bool:
        """Whether there are more than counted."""
        return any(pipe.is_more for pipe in self.pipes)

    @property
    def behind_seconds(self) -> float | None:
        """The age of the oldest pending notification; ``None`` if there is none."""
        ages = [pipe.behind_seconds for pipe in self.pipes if pipe.behind_seconds is not None]
        return max(ages, default=None)


@dataclass(frozen=True, kw_only=True)
class SystemStatus:
    """How a system is doing."""

    alias: str
    followers: tuple[FollowerStatus, ...] = ()
    workers: tuple[WorkerStatus, ...] = ()
    holders: tuple[HolderStatus, ...] = ()
    errors: tuple[str, ...] = ()
    """Which databases do not answer, and why; in one line each."""
    notices: tuple[str, ...] = ()
    """What is to be known of projections' rows, such as that a rebuild is due."""
