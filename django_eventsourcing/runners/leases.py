"""Leases: which worker holds which follower, as one database knows it."""

import os
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID, uuid4

from django.db import connections, transaction
from django.db.models import Case, F, IntegerField, Q, QuerySet, TextField, Value, When

from django_eventsourcing.database_clock import DatabaseNow, seconds_between
from django_eventsourcing.distribution import installed_version
from django_eventsourcing.operating_models import FollowerRecord, WorkerRecord
from django_eventsourcing.problems import storable
from django_eventsourcing.runners.failures import Failure
from django_eventsourcing.runners.processes import is_alive, pid_space
from django_eventsourcing.runners.report import State
from django_eventsourcing.runners.shares import Standing

__all__ = ["LONGEST_NAME", "FollowerRow", "LeaseTable", "LeaseTiming", "WorkerIdentity"]

LONGEST_NAME = 255
"""Characters of a worker's name, and of a host's, that can be kept."""


@dataclass(frozen=True, kw_only=True)
class LeaseTiming:
    """How often workers look and say that they live, in seconds."""

    look: float = 0.5
    """From one look at what has changed to the next: what operators want is done in a second."""
    heartbeat: float = 5.0
    """From one prolongation of the leases to the next."""
    duration: float = 14.0
    """How long a lease lasts: with the look that finds its end, others wait 15 s at most."""
    grace: float = 3.0
    """How long a follower is left to those whose share it would be."""
    forget: float = 3600.0
    """When the row of a worker that has died is removed."""


@dataclass(frozen=True, kw_only=True)
class WorkerIdentity:
    """Who a worker is, for others to see."""

    id: UUID = field(default_factory=uuid4)
    system_alias: str
    name: str
    host: str
    pid: int
    pid_space: str = ""
    version: str

    @classmethod
    def of_this_process(cls, system_alias: str, name: str = "") -> Self:
        """Return who this process is as a worker; by default, it is named by its host and id."""
        host, pid = storable(socket.gethostname()), os.getpid()
        suffix = f"-{pid}"
        name = storable(name) or host[: LONGEST_NAME - len(suffix)] + suffix
        return cls(
            system_alias=system_alias,
            name=name[:LONGEST_NAME],
            host=host[:LONGEST_NAME],
            pid=pid,
            pid_space=pid_space(),
            version=installed_version(),
        )


@dataclass(frozen=True, kw_only=True)
class FollowerRow:
    """What a database says of one follower."""

    owner: UUID | None
    """The worker whose lease is in force."""
    remaining: float
    """For how many seconds the lease is still in force."""
    is_paused: bool
    retry_requested_at: datetime | None
    has_failure: bool
    """Whether a failure is on record."""
    error: str
    """What is on record of a follower that has failed for good."""


class LeaseTable:
    """
    The leases of the followers in one database, as one worker reads and changes them.

    Each change is one conditional statement, and all times are the database's, so that neither
    another worker nor the host's clock comes in between. A follower's row that somebody else has
    locked is left as it is, where the database can skip it: it must not hold up the others.
    """

    def __init__(
        self,
        alias: str,
        names: Collection[str],
        worker: WorkerIdentity,
        *,
        takes_share: bool = True,
        timing: LeaseTiming,
    ) -> None:
        self.alias = alias
        self.names = list(names)
        """The followers that the worker may run."""
        self._worker = worker
        self._shared = self.names if takes_share else []
        self._timing = timing

    def prepare(self) -> None:
        """Make the rows that are missing."""
        there = set(self._followers.values_list("application_name", flat=True))
        missing = [FollowerRecord(application_name=n) for n in self.names if n not in there]
        if missing:
            FollowerRecord.objects.using(self.alias).bulk_create(missing, ignore_conflicts=True)

    def beat(self, wake_up: str) -> set[str]:
        """Say that the worker lives, and prolong its leases; return those that are locked."""
        worker = WorkerRecord.objects.using(self.alias)
        values = {"heartbeat_at": DatabaseNow(), "wake_up": wake_up}
        if not worker.filter(pk=self._worker.id).update(**values):
            worker.create(
                id=self._worker.id,
                system_alias=self._worker.system_alias,
                name=self._worker.name,
                host=self._worker.host,
                pid=self._worker.pid,
                pid_space=self._worker.pid_space,
                version=self._worker.version,
                followers=self._shared,
                started_at=DatabaseNow(),
                **values,
            )
        own = set(self._own.values_list("application_name", flat=True))
        return own - self._change(self._own, lease_expires_at=self._expiry) if own else own

    def leave_shares(self) -> None:
        """Take no share of the followers any more, so that nobody passes any on to it."""
        self._shared = []
        WorkerRecord.objects.using(self.alias).filter(pk=self._worker.id).update(followers=[])

    def look(self) -> tuple[dict[str, FollowerRow], Standing]:
        """Return what is known of the worker's followers, and who holds what."""
        found = {
            row["application_name"]: row
            for row in FollowerRecord.objects.using(self.alias)
            .order_by("application_name")
            .annotate(now=DatabaseNow(), is_in_force=_is_in_force())
            .values(
                "application_name",
                "lease_owner",
                "lease_expires_at",
                "desired_state",
                "retry_requested_at",
                "failed_at",
                "now",
                "is_in_force",
                stopped_by=_error_of_failed(),
            )
        }
        rows = {
            name: FollowerRow(
                owner=row["lease_owner"] if row["is_in_force"] else None,
                remaining=_remaining(row["now"], row["lease_expires_at"]),
                is_paused=row["desired_state"] == FollowerRecord.DesiredState.PAUSED,
                retry_requested_at=row["retry_requested_at"],
                has_failure=row["failed_at"] is not None,
                error=row["stopped_by"],
            )
            for name, row in found.items()
        }
        mine = {name: rows[name] for name in self.names if name in rows}
        return mine, Standing(
            workers=self._live_workers(), owners={name: row.owner for name, row in rows.items()}
        )

    def take(self, name: str) -> bool:
        """Take the lease if it is nobody's; return whether it was."""
        free = self._followers.filter(
            Q(lease_owner=None) | Q(lease_expires_at__lte=DatabaseNow()), application_name=name
        )
        return bool(
            self._change(
                free,
                lease_owner=self._worker.id,
                lease_epoch=F("lease_epoch") + 1,
                lease_expires_at=self._expiry,
            )
        )

    def seize(self, names: Collection[str], **values: object) -> None:
        """
        Take the leases, whoever holds them, and change the rows; workers notice at the next look.

        What they do until then is as if they had been slow: positions are claimed in any case.
        """
        self._followers.filter(application_name__in=names).update(
            lease_owner=self._worker.id,
            lease_epoch=F("lease_epoch") + 1,
            lease_expires_at=self._expiry,
            updated_at=DatabaseNow(),
            **values,
        )

    def give_back(self, names: Iterable[str]) -> set[str]:
        """Let others take these followers at once; return those that are given back."""
        own = self._own.filter(application_name__in=list(names))
        return self._change(own, lease_owner=None, lease_expires_at=None)

    def write(self, name: str, state: State, failure: Failure | None) -> bool:
        """Put on record what the follower does, and what has failed; return whether it is."""
        values = {
            "upstream_name": failure.upstream_name if failure else "",
            "notification_id": failure.notification_id if failure else None,
            "error": failure.error if failure else "",
            "traceback": failure.traceback if failure else "",
            "attempts": failure.attempts if failure else 0,
            "failed_at": DatabaseNow() if failure else None,
        }
        own = self._own.filter(application_name=name)
        return bool(self._change(own, state=state, updated_at=DatabaseNow(), **values))

    def write_state(self, name: str, state: State) -> bool:
        """Put on record what the follower does; return whether it is."""
        own = self._own.filter(application_name=name)
        return bool(self._change(own, state=state, updated_at=DatabaseNow()))

    def leave(self) -> None:
        """Give all back and say goodbye."""
        with transaction.atomic(using=self.alias):
            WorkerRecord.objects.using(self.alias).filter(pk=self._worker.id).delete()
            self._change(self._own, lease_owner=None, lease_expires_at=None)

    def bury_the_dead(self) -> None:
        """Let others take what workers held that are known to be dead, without waiting."""
        if not self._worker.pid_space:
            return
        neighbours = WorkerRecord.objects.using(self.alias).filter(pid_space=self._worker.pid_space)
        dead = [pk for pk, pid in neighbours.values_list("pk", "pid") if not is_alive(pid)]
        if dead:
            with transaction.atomic(using=self.alias):
                neighbours.filter(pk__in=dead).delete()
                theirs = FollowerRecord.objects.using(self.alias).filter(lease_owner__in=dead)
                self._change(theirs, lease_owner=None, lease_expires_at=None)

    def forget_the_dead(self) -> None:
        """Remove the rows of workers of which nothing has been heard for long."""
        WorkerRecord.objects.using(self.alias).filter(
            heartbeat_at__lt=DatabaseNow() - timedelta(seconds=self._timing.forget)
        ).delete()

    def _change(self, rows: QuerySet[FollowerRecord], **values: object) -> set[str]:
        """Change those of the rows that nobody else has locked; return their names."""
        if not connections[self.alias].features.has_select_for_update_skip_locked:
            names = set(rows.values_list("application_name", flat=True))
            return names if names and rows.update(**values) else set()
        with transaction.atomic(using=self.alias):
            free = rows.select_for_update(skip_locked=True)
            found = dict(free.values_list("pk", "application_name"))
            if found:
                FollowerRecord.objects.using(self.alias).filter(pk__in=found).update(**values)
        return set(found.values())

    @property
    def _followers(self) -> QuerySet[FollowerRecord]:
        return FollowerRecord.objects.using(self.alias).filter(application_name__in=self.names)

    @property
    def _own(self) -> QuerySet[FollowerRecord]:
        return self._followers.filter(lease_owner=self._worker.id)

    @property
    def _expiry(self) -> object:
        return DatabaseNow() + timedelta(seconds=self._timing.duration)

    def _live_workers(self) -> dict[UUID, Collection[str]]:
        # A worker counts no longer than its leases, so that they are shared as soon as they end.
        live = WorkerRecord.objects.using(self.alias).filter(
            system_alias=self._worker.system_alias,
            heartbeat_at__gt=DatabaseNow() - timedelta(seconds=self._timing.duration),
        )
        return dict(live.order_by("id").values_list("id", "followers"))


def _is_in_force() -> Case:
    in_force = When(lease_owner__isnull=False, lease_expires_at__gt=DatabaseNow(), then=Value(1))
    return Case(in_force, default=Value(0), output_field=IntegerField())


def _error_of_failed() -> Case:
    # Errors may be long: they are read where they are of use alone.
    failed = When(state=State.FAILED, then=F("error"))
    return Case(failed, default=Value(""), output_field=TextField())


def _remaining(now: datetime, expires_at: datetime | None) -> float:
    return seconds_between(now, expires_at) if expires_at else 0.0
