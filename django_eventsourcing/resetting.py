"""Resetting: a follower goes on from another position of a log, where it cannot be rebuilt."""

from dataclasses import dataclass
from functools import partial
from typing import cast

from django.db import transaction

from django_eventsourcing.announcements import tell_of
from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.errors import OperationError
from django_eventsourcing.models import DeadLetterRecord, FollowerRecord, ProjectionRecord
from django_eventsourcing.operating import request_retry
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.recorders import DjangoTrackingRecorder
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.signals import follower_reset

__all__ = ["Reset", "ResetError", "ResetPlan"]

COUNT_LIMIT = 10_000
"""Events are counted up to here; beyond, it is enough to know that there are more."""


class ResetError(OperationError):
    """The position cannot be set; nothing has changed."""


@dataclass(frozen=True, kw_only=True)
class ResetPlan:
    """What it means to set the position of a follower."""

    follower: str
    upstream_name: str
    before: int
    """The position as it is: of a follower that is split, the least of its segments'."""
    to: int
    head: int
    """The last notification of the log."""
    events: int
    """How many are processed again, or are left out; counted up to ``COUNT_LIMIT``."""
    is_more: bool
    """Whether there are more than counted."""
    records_again: bool
    """Whether the follower has recorded events of its own, which it may record once more."""

    @property
    def goes_back(self) -> bool:
        """Whether events are processed again, with all that follows from them."""
        return self.to < self.before

    @property
    def leaves_out(self) -> bool:
        """Whether events are never processed."""
        return self.to > self.before


class Reset:
    """
    Sets the position of a follower in one upstream, all its segments' at once.

    It is safe while the system runs: workers finish the batch in hand before, and then find that
    the position is elsewhere. What they have processed stays processed, and on record.
    """

    def __init__(
        self,
        system: ConfiguredSystem,
        follower: str,
        upstream_name: str,
        to: int,
        *,
        records_again: bool = False,
    ) -> None:
        self.system = system
        self.follower = follower
        self.upstream_name = upstream_name
        self.to = to
        self._records_again = records_again
        self._alias = system.database_of(follower)

    def plan(self) -> ResetPlan:
        """Return what it means; raise ``ResetError`` if it cannot be done."""
        head = self._require_possible()
        with database_errors(self._alias):
            positions = self._recorder.positions_in_force(self.upstream_name)
            self._require_nothing_parked()
        before = min(positions.values(), default=0)
        number = self._count(*sorted((self.to, before)))
        return ResetPlan(
            follower=self.follower,
            upstream_name=self.upstream_name,
            before=before,
            to=self.to,
            head=head,
            events=min(number, COUNT_LIMIT),
            is_more=number > COUNT_LIMIT,
            records_again=self.to < max(positions.values(), default=0) and self._has_recorded(),
        )

    def run(self, *, reason: str, by: str = "") -> dict[str, int]:
        """Do it; return the positions before, by segment. Raise ``ResetError`` if it cannot be."""
        if not reason.strip():
            raise ResetError("A follower is not reset without a reason.  HINT: Say why.")
        self._require_possible()
        with database_errors(self._alias), transaction.atomic(using=self._alias):
            # First the positions, as everybody does who processes: nobody does from here on.
            before = self._recorder.take_positions(self.upstream_name)
            self._require_possible()
            self._require_nothing_parked()
            if not before:
                raise ResetError(
                    f"{self.follower} has no position in {self.upstream_name} that is in force.  "
                    "HINT: Its tables are being swapped, or its segments changed: wait for that."
                )
            if self.to < max(before.values()) and not self._records_again and self._has_recorded():
                raise ResetError(
                    f"{self.follower} has recorded events of its own: what it processes again may "
                    "record them twice.  HINT: If its policy sees to it that nothing is doubled, "
                    "say so by --record-again."
                )
            self._recorder.put_positions(self.upstream_name, list(before), self.to)
            self._forget_failures()
            text = f"{reason.strip()} ({by})" if by else reason.strip()
            tell = partial(
                tell_of,
                self.follower,
                follower_reset,
                upstream=self.upstream_name,
                before=min(before.values()),
                to=self.to,
                reason=text,
            )
            transaction.on_commit(tell, using=self._alias, robust=True)
        return before

    def _require_possible(self) -> int:
        """Return the log's head; raise ``ResetError`` for what cannot be reset, wherever it is."""
        name, upstream = self.follower, self.upstream_name
        if not self.system.is_persisted(name):
            raise ResetError(
                f"{name} is kept in the memory of each process.  HINT: It begins anew when that "
                "does."
            )
        if upstream not in self.system.upstreams_of(name):
            raise ResetError(
                f"{name} does not follow {upstream!r}.  HINT: It follows "
                f"{', '.join(self.system.upstreams_of(name))}."
            )
        if issubclass(self.system.class_of(name), ModelProjection):
            raise ResetError(
                f"{name} is a model projection: its rows would have the effects of events twice, "
                f"or lack some.  HINT: Make them again: manage.py es_rebuild {name}"
            )
        if self._recorder.is_synchronous(upstream):
            raise ResetError(
                f"{name} is synchronous in {upstream}: it processes in the transactions that "
                f"record, and has no position.  HINT: See 'manage.py es_sync {name} --off'."
            )
        with database_errors(self._alias):
            rebuilt = ProjectionRecord.objects.using(self._alias).filter(application_name=name)
            if rebuilt.exclude(kind="").exists():
                raise ResetError(
                    f"{name} is being rebuilt.  HINT: Let that be done first: see "
                    "'manage.py es_status'."
                )
        head = self.system.get(upstream).recorder.max_notification_id() or 0
        if not 0 <= self.to <= head:
            raise ResetError(
                f"{name} cannot be set to {self.to} of {upstream}, whose log ends at {head}.  "
                f"HINT: Give a number from 0 to {head}."
            )
        return head

    def _require_nothing_parked(self) -> None:
        letters = DeadLetterRecord.objects.using(self._alias).filter(
            application_name__in=self.system.runs_of(self.follower),
            status=DeadLetterRecord.Status.PARKED,
            upstream_name=self.upstream_name,
            notification_id__gt=self.to,
        )
        letter = letters.order_by("notification_id").first()
        if letter is not None:
            raise ResetError(
                f"{letter.application_name} has parked notification {letter.notification_id} of "
                f"{self.upstream_name}, which is after {self.to}: it would be processed twice.  "
                "HINT: Retry or discard it first: manage.py es_deadletters "
                f"{letter.application_name}"
            )

    def _forget_failures(self) -> None:
        """Forget what has failed in this log: it is processed again, or is left out."""
        names = self.system.runs_of(self.follower)
        FollowerRecord.objects.using(self._alias).filter(
            application_name__in=names, upstream_name=self.upstream_name
        ).update(
            upstream_name="",
            notification_id=None,
            error="",
            traceback="",
            attempts=0,
            failed_at=None,
            updated_at=DatabaseNow(),
        )
        for name in names:
            request_retry(self.system, name)

    def _has_recorded(self) -> bool:
        with database_errors(self._alias):
            events = self.system.models_of(self.follower).event.objects.using(self._alias)
            return bool(events.of(self.follower).exists())

    def _count(self, after: int, until: int) -> int:
        """Return how many events there are in between, up to one more than the limit."""
        if not self.system.is_persisted(self.upstream_name):
            return min(until - after, COUNT_LIMIT + 1)
        database = self.system.database_of(self.upstream_name)
        with database_errors(database):
            events = self.system.models_of(self.upstream_name).event.objects.using(database)
            between = events.of(self.upstream_name).filter(id__gt=after, id__lte=until)
            return len(between.order_by("id").values_list("id", flat=True)[: COUNT_LIMIT + 1])

    @property
    def _recorder(self) -> DjangoTrackingRecorder:
        """That of the follower as a whole."""
        return cast(DjangoTrackingRecorder, self.system.get(self.follower).recorder)
