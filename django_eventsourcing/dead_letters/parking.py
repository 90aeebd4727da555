"""Parking: what a worker does with the notifications that its follower cannot process."""

from collections.abc import Callable

from django.db import transaction

from django_eventsourcing.announcements import tell_of
from django_eventsourcing.conf import ErrorPolicy
from django_eventsourcing.dead_letters.letters import parked, put, recorder_of
from django_eventsourcing.models import DeadLetterRecord, FollowerRecord
from django_eventsourcing.operating import CIRCUIT_OPEN, pause
from django_eventsourcing.problems import described, trace_of
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.recorders.tracking import segment_run_by
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.signals import notification_parked
from eventsourcing.persistence import Notification, Tracking
from eventsourcing.system import Follower

__all__ = ["Parking"]

# More aggregates than these are not kept in memory, but looked up one by one.
_MOST_KNOWN = 1_000
_Status = DeadLetterRecord.Status


class Parking:
    """
    Sets notifications of one upstream aside: those that fail for good, and those behind them.

    What other segments of the follower process is passed over before anything else.

    Which aggregates have something parked is read in each unit of work, after the claim of the
    position, which everybody holds who parks, retries or discards. It is not read when nothing was
    parked at the end of the unit before, and the position has not been moved by others since.
    """

    def __init__(
        self,
        system: ConfiguredSystem,
        follower: Follower,
        upstream_name: str,
        policy: ErrorPolicy,
    ) -> None:
        self.in_hand: Notification | None = None
        """The notification that the last unit of work had come to."""
        self.is_open = False
        """Whether too many in a row have failed, so that the follower is to pause."""
        self._system = system
        self._follower = follower
        self._upstream_name = upstream_name
        self._policy = policy
        self._segment = segment_run_by(follower)
        self._name = self._segment.name
        self._is_possible = system.is_persisted(follower.name)
        self._alias = system.database_of(follower.name)
        self._letters = parked(system, self._name).filter(upstream_name=upstream_name)
        self._is_waiting: Callable[[str], bool] | None = None
        self._clear_at: int | None = None
        self._clear_before = False
        self._has_processed = False
        self._in_a_row = 0

    def begin(self) -> Callable[[Notification], bool]:
        """Begin a unit of work; return what tells in it whether a notification is set aside."""
        self.in_hand = self._is_waiting = None
        self._has_processed = False
        return self._sets_aside

    def succeeded(self) -> None:
        """Note that the unit of work has been committed."""
        if self._clear_before and self.in_hand is not None:
            self._clear_at = self.in_hand.id
        if self._has_processed:
            self._in_a_row = 0

    def forget(self) -> None:
        """Look anew, as others may have processed meanwhile, from the beginning even."""
        self._clear_at = None

    def settle(self, error: BaseException, attempts: int) -> _Status | None:
        """
        Park or skip what the last unit of work has failed at, which was of one notification.

        Return what has been done: ``None`` if the follower is to stop, or, while ``is_open``, to
        pause. Raise ``AlreadyProcessedError`` if somebody else has moved the position.
        """
        status = {"park": _Status.PARKED, "skip": _Status.SKIPPED}.get(self._policy.then)
        if status is None or self.in_hand is None or not self._is_possible:
            return None
        with database_errors(self._alias):
            if self._in_a_row >= self._policy.circuit and self._is_told_to_pause():
                return None
        self.is_open = False
        self._set_aside(self.in_hand, status, error, attempts)
        return status

    def _set_aside(
        self, notification: Notification, status: _Status, error: BaseException, attempts: int
    ) -> None:
        text = described(error)
        in_a_row = self._in_a_row % self._policy.circuit + 1
        is_last = in_a_row == self._policy.circuit
        recorder = recorder_of(self._follower)
        tracking = Tracking(self._upstream_name, notification.id)
        with recorder.processing(tracking, after=recorder.claimed), database_errors(self._alias):
            self._put(
                notification,
                status,
                error=text,
                traceback=trace_of(error),
                attempts=attempts,
                reason="by ON_ERROR" if status is _Status.SKIPPED else "",
            )
            recorder.insert_tracking(tracking)
            # Beside what is in force, there is nobody to be told: it ends by itself.
            if is_last and not self._segment.purpose:
                pause(self._system, self._name, self._circuit_reason(text))
        self._in_a_row, self.is_open, self._clear_at = in_a_row, is_last, None

    def _sets_aside(self, notification: Notification) -> bool:
        if not self._segment.has(notification.originator_id):
            return self._leaves(notification)
        if not self._is_possible or self._is_waiting is _nothing:
            self.in_hand = notification
            self._has_processed = True
            return False
        with database_errors(self._alias):
            if self._is_waiting is None:
                self._is_waiting = self._look()
            self.in_hand = notification
            if self._is_waiting(str(notification.originator_id)):
                self._put(notification, _Status.PARKED, is_behind=True)
                return True
        self._has_processed = True
        return False

    def _leaves(self, notification: Notification) -> bool:
        """Pass over what another segment processes."""
        self.in_hand = notification
        if self._is_waiting is None:
            self._clear_before = self._is_clear_yet()
        return True

    def _is_clear_yet(self) -> bool:
        claimed = recorder_of(self._follower).claimed
        return claimed is not None and claimed == self._clear_at

    def _look(self) -> Callable[[str], bool]:
        """Look which aggregates have something parked; called within the unit of work."""
        self._clear_before = self._is_clear_yet()
        if self._clear_before:
            return _nothing
        ids = self._letters.order_by().values_list("originator_id", flat=True).distinct()
        known = set(ids[: _MOST_KNOWN + 1])
        self._clear_before = not known
        if not known:
            return _nothing
        if len(known) <= _MOST_KNOWN:
            return known.__contains__
        return lambda originator_id: self._letters.filter(originator_id=originator_id).exists()

    def _put(self, notification: Notification, status: _Status, **values: object) -> None:
        name = self._name
        put(self._alias, name, self._upstream_name, notification, status, **values)
        transaction.on_commit(
            lambda: tell_of(
                name,
                notification_parked,
                upstream=self._upstream_name,
                notification_id=notification.id,
                status=status,
                is_behind=bool(values.get("is_behind")),
                error=values.get("error", ""),
            ),
            using=self._alias,
            robust=True,
        )

    def _is_told_to_pause(self) -> bool:
        told = FollowerRecord.objects.using(self._alias).filter(
            application_name=self._name,
            desired_state=FollowerRecord.DesiredState.PAUSED,
        )
        return told.exists()

    def _circuit_reason(self, error: str) -> str:
        number = self._policy.circuit
        many = "a notification has" if number == 1 else f"{number} notifications in a row have"
        return f"{CIRCUIT_OPEN}: {many} failed, the last: {error}"


def _nothing(originator_id: str) -> bool:
    """Tell that no aggregate has anything parked."""
    del originator_id
    return False
