"""Records: which rebuild is under way, how far it is, and who does it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, JSONField, OuterRef, Q, Subquery
from django.db.models.expressions import BaseExpression
from django.db.models.functions import JSONArray
from django.utils import timezone

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.models import ProjectionRecord, RebuildRequest, WorkerRecord
from django_eventsourcing.rebuilding.errors import RebuildHeldError, RebuildRefusedError
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.runners.leases import LeaseTiming, WorkerIdentity
from django_eventsourcing.runners.processes import is_alive, pid_space
from django_eventsourcing.wording import Words

__all__ = [
    "Claim",
    "ProjectionRows",
    "command_for",
    "holder_of",
    "in_words",
    "is_taken",
    "read_records",
    "request_of",
    "time_of",
]

Kind, Step = ProjectionRecord.Kind, ProjectionRecord.Step
LONGEST_USER = 255
_OF_HOLDERS = ("name", "host", "pid", "pid_space")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A rebuild as it was when this process has taken it on."""

    is_resumed: bool
    """Whether it goes on where another process has left it."""
    step: str
    """How far that has come; empty if it is begun anew."""
    building: int
    """The version whose rows are made."""
    abandoned: str = ""
    """The kind of another rebuild that had been begun, and is given up for this one."""
    started_at: datetime | None = None
    started_by: str = ""


class ProjectionRows:
    """What is on record of one projection's rows, read and changed in its database."""

    def __init__(self, alias: str, follower: str) -> None:
        self.alias = alias
        self.follower = follower

    def read(self) -> ProjectionRecord | None:
        """Return what is on record, if anything is."""
        with database_errors(self.alias):
            found: ProjectionRecord | None = self._rows.first()
            return found

    def worker(self, record: ProjectionRecord, timing: LeaseTiming) -> WorkerRecord | None:
        """Return the process that does the rebuild on record, if it lives."""
        if not record.kind or record.worker is None:
            return None
        with database_errors(self.alias):
            workers = WorkerRecord.objects.using(self.alias).filter(_is_fresh(timing))
            found = workers.filter(pk=record.worker).first()
        return found if found is not None and _is_here(found) else None

    def require_claimable(self, kind: str, version: int, timing: LeaseTiming) -> None:
        """
        Raise ``RebuildHeldError`` if a process that lives rebuilds the projection.

        Raise ``RebuildRefusedError`` if the rows are of a later version than this code's, or if
        another kind of rebuild has to be completed first.
        """
        record = self.read()
        if record is not None:
            self.require_claimable_by(record, self.worker(record, timing), kind, version)

    def require_claimable_by(
        self, record: ProjectionRecord, holder: WorkerRecord | None, kind: str, version: int
    ) -> None:
        """Raise what ``require_claimable()`` raises, by the record and worker that were read."""
        if holder is not None:
            raise RebuildHeldError(
                f"{self.follower} is being rebuilt {in_words(record.kind)} by {holder}, since "
                f"{time_of(record.started_at)}.  HINT: Wait for it; or end that process: "
                "es_rebuild then goes on from where it was."
            )
        latest = max(record.version or 0, record.building or 0)
        if version < latest:
            raise RebuildRefusedError(
                f"{self.follower} has version {version} in this code, and its rows are of version "
                f"{latest}.  HINT: Run this where the code is that is deployed now."
            )
        if record.kind != kind and record.step == Step.SWAPPING:
            raise RebuildRefusedError(
                f"{self.follower}: tables are being swapped, and nobody processes it until that is "
                f"done.  HINT: Complete it: {command_for(self.follower, record.kind)}"
            )

    def note_version(self, version: int) -> None:
        """Put the version on record if none is."""
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            self.lock()
            self._rows.filter(version=None).update(version=version)

    def claim(
        self,
        kind: str,
        version: int,
        worker: WorkerIdentity,
        *,
        heads: Mapping[str, int],
        by: str,
        is_anew: bool,
        timing: LeaseTiming,
    ) -> Claim:
        """
        Take the rebuild on, or go on with the one that was left by a process that is gone.

        Raise what ``require_claimable()`` raises.
        """
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            record = self.lock()
            self.require_claimable(kind, version, timing)
            # Whatever is requested is done with this rebuild, whoever has begun it.
            self._requests.filter(projection=record).update(worker=worker.id)
            goes_on = record.kind == kind and (
                record.step == Step.SWAPPING or (record.building == version and not is_anew)
            )
            if goes_on:
                self._rows.update(worker=worker.id, updated_at=DatabaseNow())
                return Claim(
                    is_resumed=record.step != Step.BEGUN,
                    step=record.step,
                    building=record.building or version,
                    started_at=record.started_at,
                    started_by=record.started_by,
                )
            self._rows.update(
                kind=kind,
                step=Step.BEGUN,
                building=version,
                heads=dict(heads),
                started_at=DatabaseNow(),
                started_by=by[:LONGEST_USER],
                worker=worker.id,
                updated_at=DatabaseNow(),
            )
            return Claim(is_resumed=False, step="", building=version, abandoned=record.kind)

    def update(self, identity: WorkerIdentity, **values: Any) -> bool:
        """Change what is on record of the worker's rebuild; return whether it still is its."""
        mine = self._rows.filter(worker=identity.id)
        with database_errors(self.alias):
            return bool(mine.update(updated_at=DatabaseNow(), **values))

    def finish(self, worker: WorkerIdentity, *, version: int, rate: float | None) -> bool:
        """Put on record that the worker's rebuild is done; return whether it still was its."""
        values: dict[str, Any] = {} if rate is None else {"rate": rate}
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            is_done = self.update(worker, version=version, **_NOTHING_UNDER_WAY, **values)
            if is_done:
                self._requests.filter(worker=worker.id).delete()
        return is_done

    def forget(self, record: ProjectionRecord) -> None:
        """Put on record that this rebuild is over, unless another has been begun since."""
        same = self._rows.filter(kind=record.kind, step=record.step, worker=record.worker)
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            is_over = same.update(updated_at=DatabaseNow(), **_NOTHING_UNDER_WAY)
            if is_over and record.worker is not None:
                self._requests.filter(worker=record.worker).delete()

    def lock(self) -> ProjectionRecord:
        """Make the row if it is missing, and lock it; called in a transaction. Return it."""
        # An update, as the first statement: SQLite then waits for its turn to write.
        if not self._rows.update(updated_at=DatabaseNow()):
            row = ProjectionRecord(application_name=self.follower)
            self._records.bulk_create([row], ignore_conflicts=True)
            self._rows.update(updated_at=DatabaseNow())
        record: ProjectionRecord = self._rows.get()
        return record

    @property
    def _rows(self) -> Any:
        return self._records.filter(application_name=self.follower)

    @property
    def _records(self) -> Any:
        manager: Any = ProjectionRecord._default_manager
        return manager.using(self.alias)

    @property
    def _requests(self) -> Any:
        manager: Any = RebuildRequest._default_manager
        return manager.using(self.alias)


_NOTHING_UNDER_WAY: dict[str, Any] = {
    "kind": "",
    "step": "",
    "building": None,
    "heads": {},
    "positions": {},
    "started_at": None,
    "started_by": "",
    "worker": None,
}


def read_records(
    alias: str, followers: Collection[str], **more: BaseExpression
) -> list[ProjectionRecord]:
    """
    Return what is on record of these projections' rows, by one query.

    Each has its request, what ``is_taken()`` and ``holder_of()`` tell, and ``more`` attributes.
    """
    taken = Q(request__lease_owner__isnull=False, request__lease_expires_at__gt=DatabaseNow())
    holders = WorkerRecord.objects.filter(_is_fresh(LeaseTiming()), pk=OuterRef("worker"))
    with database_errors(alias):
        records = ProjectionRecord.objects.using(alias).select_related("request")
        records = records.annotate(
            is_taken=ExpressionWrapper(taken, BooleanField()),
            holder=Subquery(
                holders.values_list(JSONArray(*_OF_HOLDERS))[:1], output_field=JSONField()
            ),
            **more,
        )
        return list(records.filter(application_name__in=followers).order_by("id"))


def request_of(record: ProjectionRecord | None) -> RebuildRequest | None:
    """Return the request for a rebuild that was read with the record, if there is one."""
    return getattr(record, "request", None)


def is_taken(record: ProjectionRecord | None) -> bool:
    """Tell whether a worker that lived when the record was read had taken the request."""
    return bool(getattr(record, "is_taken", False))


def holder_of(record: ProjectionRecord | None) -> WorkerRecord | None:
    """Return the process that does the rebuild, if it lived when the record was read."""
    if record is None or not record.kind:
        return None
    values = getattr(record, "holder", None)
    if values is None:
        return None
    found = WorkerRecord(**dict(zip(_OF_HOLDERS, values, strict=True)))
    return found if _is_here(found) else None


def _is_fresh(timing: LeaseTiming) -> Q:
    return Q(heartbeat_at__gt=DatabaseNow() - timedelta(seconds=timing.duration))


def _is_here(worker: WorkerRecord) -> bool:
    # On the same machine, one can see that a process is gone before it is missed.
    is_near = bool(worker.pid_space) and worker.pid_space == pid_space()
    return not is_near or is_alive(worker.pid)


def in_words(kind: str) -> str:
    """Return how a rebuild of the kind is done: ``in place`` or ``by shadow``."""
    return "by shadow" if kind == Kind.SHADOW else "in place"


def command_for(follower: str, kind: str = Kind.SHADOW) -> str:
    """Return the command that rebuilds the follower."""
    option = " --shadow" if kind == Kind.SHADOW else ""
    return f"manage.py es_rebuild {follower}{option}"


def time_of(moment: datetime | None) -> str:
    """Return the time as text, in UTC."""
    if moment is None:
        return Words.gettext("an unknown time")
    if timezone.is_naive(moment):
        return f"{moment:%Y-%m-%d %H:%M:%S}"
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
