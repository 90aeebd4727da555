"""Dry-run: what processing a notification would do, done and taken back."""

import re
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connections, transaction

from django_eventsourcing.dead_letters.errors import DeadLetterError
from django_eventsourcing.dead_letters.letters import follower_of, notification_of, recorder_of
from django_eventsourcing.models import AbstractStoredEvent, AbstractTracking, NotificationCounter
from django_eventsourcing.payloads import readable_event
from django_eventsourcing.problems import described, trace_of
from django_eventsourcing.registry import ConfiguredSystem
from eventsourcing.persistence import StoredEvent, Tracking
from eventsourcing.system import Follower

__all__ = ["DryRun", "NewEvent", "RowChanges", "dry_run"]


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event that the follower would record."""

    application_name: str
    originator_id: str
    originator_version: int
    topic: str
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RowChanges:
    """How many rows of a model, or of a table that is no model's, would be changed."""

    model: str
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What processing a notification would do; or the error by which it would fail."""

    upstream_name: str
    notification_id: int
    originator_id: str
    topic: str
    events: list[NewEvent] = field(default_factory=list)
    rows: list[RowChanges] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    """SQL in the order of its execution, without the values."""
    error: str = ""
    traceback: str = ""


def dry_run(
    system: ConfiguredSystem, name: str, upstream_name: str, notification_id: int
) -> DryRun:
    """
    Process the notification, tell what that does, and roll it back.

    Nobody is prompted or notified, and no aggregate is cached. Writing to another database than
    the follower's is refused, as it could not be taken back; nor can anything else that a policy
    does outside, such as sending mail. No worker processes for the follower meanwhile.
    """
    follower = follower_of(system, name)
    recorder = recorder_of(follower)
    notification = notification_of(system, name, upstream_name, notification_id)
    tracking = Tracking(upstream_name, notification_id)
    watch = _Watch()
    error: BaseException | None = None
    events: list[NewEvent] = []
    with follower.processing_turn(), recorder.reprocessing(tracking) as recorded:
        try:
            with transaction.atomic(using=recorder.alias), watch.on(recorder.alias):
                follower.process_notification(upstream_name, notification)
            events = [_new_event(follower, stored_event) for _, stored_event in recorded]
        except (Exception, CancelledError) as raised:  # noqa: BLE001 - whatever a policy raises
            error = raised
        transaction.set_rollback(True, using=recorder.alias)
    return DryRun(
        upstream_name=upstream_name,
        notification_id=notification_id,
        originator_id=str(notification.originator_id),
        topic=notification.topic,
        events=events,
        rows=watch.rows,
        statements=watch.statements,
        error=described(error) if error else "",
        traceback=trace_of(error) if error else "",
    )


def _new_event(follower: Follower, stored_event: StoredEvent) -> NewEvent:
    return NewEvent(
        application_name=follower.name,
        originator_id=str(stored_event.originator_id),
        originator_version=stored_event.originator_version,
        topic=stored_event.topic,
        data=readable_event(follower.mapper, stored_event),
    )


# A statement may begin with what it reads from, as that of a project may on PostgreSQL.
_WRITE = re.compile(
    r"\s*(?:WITH\s.+?\)\s+)?(?P<verb>INSERT|REPLACE|UPDATE|DELETE)\s+"
    r"(?:(?:OR\s+\w+|IGNORE)\s+)?(?:(?:INTO|FROM)\s+)?[\"`]?(?P<table>\w+)[\"`]?\s*"
    r"(?:\((?P<columns>[^)]*)\))?",
    re.IGNORECASE | re.DOTALL,
)
_SAVEPOINT = re.compile(r"\s*(SAVEPOINT|RELEASE|ROLLBACK)\b", re.IGNORECASE)
_COUNTED_AS = {"INSERT": "inserted", "REPLACE": "inserted", "UPDATE": "updated"}


class _Watch:
    """Takes note of the statements on one database, and refuses writing to the others."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self._counts: dict[str, dict[str, int]] = {}

    @contextmanager
    def on(self, alias: str) -> Iterator[None]:
        with ExitStack() as stack:
            for each in connections:
                wrapper = self._note if each == alias else _refusal(each, alias)
                stack.enter_context(connections[each].execute_wrapper(wrapper))
            yield

    @property
    def rows(self) -> list[RowChanges]:
        """The changes, by model; events and positions are told otherwise, or not at all."""
        known = apps.get_models(include_auto_created=True)
        models = {model._meta.db_table: model for model in known}
        hidden = (AbstractStoredEvent, AbstractTracking, NotificationCounter)
        return [
            RowChanges(model=models[table]._meta.label if table in models else table, **counts)
            for table, counts in self._counts.items()
            if table not in models or not issubclass(models[table], hidden)
        ]

    def _note(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        result = execute(sql, params, many, context)
        if _SAVEPOINT.match(sql):
            return result
        self.statements.append(sql)
        found = _WRITE.match(sql)
        if found:
            counts = self._counts.setdefault(found["table"], {})
            verb = _COUNTED_AS.get(found["verb"].upper(), "deleted")
            counts[verb] = counts.get(verb, 0) + _rows_of(found, params, context["cursor"])
        return result


def _rows_of(found: re.Match[str], params: Any, cursor: Any) -> int:
    count = int(cursor.rowcount)
    if found["verb"].upper() == "INSERT" and found["columns"]:
        # SQLite counts the rows of an insert that returns something only when they are fetched.
        columns = found["columns"].count(",") + 1
        return max(1, count, len(params or ()) // columns)
    return max(0, count)


def _refusal(alias: str, own: str) -> Callable[..., Any]:
    def refuse(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if _WRITE.match(sql):
            raise DeadLetterError(
                f"It writes to the database {alias!r}, and a dry-run can take back only what is "
                f"written to {own!r}.",
                "Keep what the follower writes in its own database; then it also commits with the "
                "position.",
            )
        return execute(sql, params, many, context)

    return refuse
