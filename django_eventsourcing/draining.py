"""Draining: a follower's workers finish the batch in hand, before what they work on is changed."""

import time
from collections.abc import Callable, Sequence

from django.db.models import Case, IntegerField, Value, When

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.errors import OperationError
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.operating import pause, resume
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.report import State

__all__ = ["Drain", "DrainTimeoutError"]

# Seconds between two looks at what the workers do, and between two lines on that.
_LOOK, _LINE = 0.2, 5.0
_AT_REST = (State.PAUSED, State.FAILED, State.REFUSED, State.DIED, State.SYNCHRONOUS)
_Desired = FollowerRecord.DesiredState


class DrainTimeoutError(OperationError):
    """Workers have not left the follower in time."""


class Drain:
    """
    Pauses a follower's segments with a reason of its own, and waits until workers leave them.

    What operators have paused stays so.
    """

    def __init__(
        self,
        system: ConfiguredSystem,
        follower: str,
        reason: str,
        *,
        write: Callable[[str], object],
        timeout: float,
    ) -> None:
        self._system = system
        self._follower = follower
        self._reason = reason
        self._write = write
        self._timeout = timeout
        self._alias = system.database_of(follower)

    def run(self, names: Sequence[str]) -> None:
        """Pause them, and return when they rest; raise ``DrainTimeoutError`` if they do not."""
        self._pause(names)
        self._wait(names)

    def resume(self, names: Sequence[str]) -> None:
        """Let those go on that were paused for this reason."""
        with database_errors(self._alias):
            paused = FollowerRecord.objects.using(self._alias).filter(
                application_name__in=names,
                desired_state=_Desired.PAUSED,
                desired_reason=self._reason,
            )
            for name in paused.values_list("application_name", flat=True):
                resume(self._system, name)

    def _pause(self, names: Sequence[str]) -> None:
        records = FollowerRecord.objects.using(self._alias)
        with database_errors(self._alias):
            paused = set(
                records.filter(
                    application_name__in=names, desired_state=_Desired.PAUSED
                ).values_list("application_name", flat=True)
            )
            for name in names:
                if name not in paused:
                    pause(self._system, name, self._reason)
        self._write(f"{self._follower}: {', '.join(names)} paused")

    def _wait(self, names: Sequence[str]) -> None:
        deadline = time.monotonic() + self._timeout
        next_line = time.monotonic() + _LINE
        while busy := self._busy(names):
            if time.monotonic() > deadline:
                raise DrainTimeoutError(
                    f"Not within {self._timeout:g} s: {', '.join(busy)} at rest.  "
                    "HINT: Allow more by --drain-timeout, or stop the runners."
                )
            if time.monotonic() > next_line:
                self._write(f"{self._follower}: waiting for {', '.join(busy)}")
                next_line += _LINE
            time.sleep(_LOOK)

    def _busy(self, names: Sequence[str]) -> list[str]:
        """Return those that a worker holds and has not yet said to leave alone."""
        in_force = When(lease_owner__isnull=False, lease_expires_at__gt=DatabaseNow(), then=1)
        held = FollowerRecord.objects.using(self._alias).annotate(
            is_held=Case(in_force, default=Value(0), output_field=IntegerField())
        )
        with database_errors(self._alias):
            found = held.filter(application_name__in=names, is_held=1).exclude(state__in=_AT_REST)
            return list(found.order_by("id").values_list("application_name", flat=True))
