"""Requests: rebuilds that somebody has asked for, kept where ``run_system`` looks for them."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.models import ProjectionRecord, RebuildRequest
from django_eventsourcing.problems import storable
from django_eventsourcing.rebuilding.errors import RebuildRefusedError
from django_eventsourcing.rebuilding.in_place import InPlaceRebuild
from django_eventsourcing.rebuilding.rebuild import Rebuild
from django_eventsourcing.rebuilding.records import (
    LONGEST_USER,
    ProjectionRows,
    time_of,
)
from django_eventsourcing.rebuilding.shadow import ShadowRebuild
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.leases import LeaseTiming, WorkerIdentity

__all__ = ["REBUILDS", "Requests", "request_rebuild"]

REBUILDS: dict[str, type[Rebuild]] = {
    ProjectionRecord.Kind.SHADOW: ShadowRebuild,
    ProjectionRecord.Kind.IN_PLACE: InPlaceRebuild,
}
"""The rebuilds by their kinds."""
LONGEST_TAKER = 255


def request_rebuild(
    system: ConfiguredSystem, follower: str, kind: str, *, reason: str, by: str
) -> None:
    """
    Let ``run_system`` rebuild the projection, on whichever host it runs.

    Raise ``RebuildError`` if it could not be done as things are, or has been requested already.
    """
    rebuild = REBUILDS[kind](system, follower)
    rebuild.require_possible()
    rebuild.require_clearable()
    rebuild.require_ready()
    Requests(rebuild.alias).put(follower, kind, reason=reason, by=by)


class Requests:
    """
    What is requested in one database; all times are by its clock.

    Each change is one conditional statement: of several workers, one takes a request, and has it as
    long as it says that it lives. A request is removed with the end of the rebuild that it was
    for, in one transaction.
    """

    def __init__(self, alias: str, timing: LeaseTiming | None = None) -> None:
        self.alias = alias
        self._timing = timing or LeaseTiming()

    def find(self, follower: str) -> RebuildRequest | None:
        """Return what is requested of the projection, if anything is."""
        with database_errors(self.alias):
            found: RebuildRequest | None = self._of([follower]).first()
            return found

    def put(self, follower: str, kind: str, *, reason: str, by: str) -> None:
        """Put a request on record, in place of one that has failed; raise if there is another."""
        values: dict[str, Any] = {
            "kind": kind,
            "requested_at": DatabaseNow(),
            "requested_by": storable(by)[:LONGEST_USER],
            "reason": storable(reason),
        }
        with database_errors(self.alias), transaction.atomic(using=self.alias):
            record = ProjectionRows(self.alias, follower).lock()
            self._requests.filter(projection=record).exclude(error="").delete()
            request, is_new = self._requests.get_or_create(projection=record, defaults=values)
        if not is_new:
            raise RebuildRefusedError(
                f"A rebuild of {follower} was requested by {request.requested_by or 'somebody'} at "
                f"{time_of(request.requested_at)}.  HINT: Wait for it, or withdraw the request."
            )

    def withdraw(self, follower: str) -> None:
        """Remove a request that no worker is at; raise ``RebuildRefusedError`` otherwise."""
        with database_errors(self.alias):
            request = self._of([follower]).first()
            if request is None:
                raise RebuildRefusedError(
                    f"No rebuild of {follower} is requested.  HINT: It may be done: see "
                    "'manage.py es_status'."
                )
            rows = ProjectionRows(self.alias, follower)
            holder = rows.worker(request.projection, self._timing)
            free = self._requests.filter(self._is_free(), pk=request.pk)
            if holder or not free.delete()[0]:
                raise RebuildRefusedError(
                    f"The rebuild of {follower} is under way, by {holder or request.taken_by}.  "
                    "HINT: Wait for it, or end that process first."
                )

    def take(self, followers: Collection[str], worker: WorkerIdentity) -> RebuildRequest | None:
        """Take the request that was made first of those that nobody is at; return it."""
        with database_errors(self.alias):
            free = self._of(followers).filter(self._is_free(), error="")
            for request in free.order_by("requested_at", "id"):
                follower = request.projection.application_name
                rows = ProjectionRows(self.alias, follower)
                if rows.worker(request.projection, self._timing) is not None:
                    # The process that does it lives, though the one that has started it is gone.
                    continue
                taken_by = f"{worker.name} ({worker.host}, process {worker.pid})"
                same = self._requests.filter(self._is_free(), pk=request.pk, error="")
                if same.update(
                    lease_owner=worker.id,
                    lease_expires_at=self._expiry,
                    taken_by=taken_by[:LONGEST_TAKER],
                ):
                    return request
        return None

    def prolong(self, request: RebuildRequest, worker: WorkerIdentity) -> None:
        """Say that the worker still has it done."""
        with database_errors(self.alias):
            self._own(request, worker).update(lease_expires_at=self._expiry)

    def release(self, request: RebuildRequest, worker: WorkerIdentity) -> bool:
        """Leave it to others; return whether it is still to be done."""
        with database_errors(self.alias):
            left = self._own(request, worker)
            left.update(lease_owner=None, lease_expires_at=None)
            return self._requests.filter(pk=request.pk, error="").exists()

    def fail(self, request: RebuildRequest, error: str) -> None:
        """Put on record why it cannot be done, so that nobody takes it any more."""
        with database_errors(self.alias):
            self._requests.filter(pk=request.pk).update(error=storable(error) or "unknown")

    def _own(self, request: RebuildRequest, worker: WorkerIdentity) -> "QuerySet[RebuildRequest]":
        return self._requests.filter(pk=request.pk, lease_owner=worker.id)

    def _of(self, followers: Collection[str]) -> "QuerySet[RebuildRequest]":
        found = self._requests.select_related("projection")
        return found.filter(projection__application_name__in=followers).order_by("id")

    def _is_free(self) -> Q:
        return Q(lease_owner=None) | Q(lease_expires_at__lte=DatabaseNow())

    @property
    def _expiry(self) -> object:
        return DatabaseNow() + timedelta(seconds=self._timing.duration)

    @property
    def _requests(self) -> "QuerySet[RebuildRequest]":
        return RebuildRequest.objects.using(self.alias)
