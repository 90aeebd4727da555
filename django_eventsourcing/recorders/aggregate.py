"""The recorder of aggregates: their events or snapshots, by originator and version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from uuid import NAMESPACE_URL, UUID, uuid5

from django import db
from django.db import connections, models, transaction
from django.db.models import Q

from django_eventsourcing.models import AbstractRecord, SnapshotRecord
from django_eventsourcing.querysets import RecordQuerySet
from django_eventsourcing.recorders.base import DjangoRecorder
from django_eventsourcing.recorders.errors import breaks_constraint, database_errors, translated
from django_eventsourcing.recorders.packets import require_packet
from django_eventsourcing.recorders.prepared import PreparedQuery, PreparedStatements
from django_eventsourcing.recorders.values import BIGGEST_INTEGER, checked_text, within_bounds
from eventsourcing.persistence.errors import DataError, RecordConflictError
from eventsourcing.persistence.recorders import AggregateRecorder
from eventsourcing.persistence.records import StoredEvent

__all__ = ["DjangoAggregateRecorder"]

VERSION_FIELDS = {"application_name", "originator_id", "originator_version"}
NAMED_VERSIONS = 5
"""How many of the versions that are taken a conflict names."""
ASKED_VERSIONS = 100
"""How many versions are looked up by one query, which databases keep from being too long."""


class DjangoAggregateRecorder(DjangoRecorder, AggregateRecorder):
    """
    Keeps one application's records in a table that it may share with other applications.

    All statements go to the database ``alias``. Writing joins the caller's transaction; a write
    that is refused leaves that transaction as it was, and usable.
    """

    def __init__(
        self,
        application_name: str,
        *,
        alias: str = "default",
        model: type[AbstractRecord] = SnapshotRecord,
    ) -> None:
        self.application_name = checked_text(model, "application_name", application_name)
        self.alias = alias
        self.model = model
        field = model._meta.get_field("originator_id")
        self._keeps_uuids = isinstance(field, models.UUIDField)
        self._queries = PreparedStatements(model)
        self._topics: set[str] = set()

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Write all the records in one statement, or none of them."""
        with self._writing(stored_events, **kwargs) as more:
            return self._insert_events(stored_events, **kwargs, **more)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return one originator's records in the order of their versions, or backwards."""
        checked_id = self._checked_id(originator_id)
        if limit == 0:
            return []
        bounds = [within_bounds(each) for each in (gt, lte) if each is not None]
        key = (gt is None, lte is None, desc, limit)
        with database_errors(self.alias):
            query = self._queries.get(("stream", *key), lambda: self._stream_query(*key))
            return [
                StoredEvent(checked_id, version, topic, bytes(state))
                for version, topic, state in query.rows(checked_id, *bounds)
            ]

    def _stream_query(
        self, is_from_start: bool, is_to_end: bool, desc: bool, limit: int | None
    ) -> PreparedQuery:
        field = self.model._meta.get_field("originator_id")
        # Nothing that the application may be called: its name is in the statement, too.
        name = self.application_name
        id_ = uuid5(NAMESPACE_URL, name) if self._keeps_uuids else f"an originator of {name}"
        gt, lte = None if is_from_start else -1, None if is_to_end else -2
        records = (
            self.records.of(self.application_name)
            .originator(id_)
            .versions(gt=gt, lte=lte)
            .order_by("-originator_version" if desc else "originator_version")
            .values_list("originator_version", "topic", "state")
        )
        version = self.model._meta.get_field("originator_version")
        bounds = [(version, each) for each in (gt, lte) if each is not None]
        return PreparedQuery(records[:limit], self.alias, [(field, id_), *bounds])

    @property
    def records(self) -> RecordQuerySet[AbstractRecord]:
        """All records of the table, in the recorder's database."""
        manager: Any = self.model._default_manager
        return cast("RecordQuerySet[AbstractRecord]", manager.using(self.alias))

    def _is_atomic(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> bool:
        """Tell whether they are written all or none without a transaction, or savepoint."""
        del stored_events, kwargs
        return False

    def _needs_savepoint(self, **kwargs: Any) -> bool:
        """Tell whether the caller's transaction is to stay usable if the records are refused."""
        del kwargs
        return True

    def _insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Insert the records; called in the transaction, for subclasses to add what is theirs."""
        self._insert_records(stored_events)
        return None

    def _insert_records(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> list[AbstractRecord]:
        require_packet(self.alias, self.application_name, stored_events)
        return self.records.bulk_create(self._new_records(stored_events, **kwargs))

    def _new_records(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> list[AbstractRecord]:
        return [self._record(event) for event in stored_events]

    def _record(self, event: StoredEvent) -> AbstractRecord:
        self._check(event)
        return self.model(
            application_name=self.application_name,
            originator_id=event.originator_id,
            originator_version=event.originator_version,
            topic=event.topic,
            state=event.state,
        )

    def _check(self, event: StoredEvent) -> None:
        """Raise ``DataError`` for what the table cannot keep as it is."""
        if not -BIGGEST_INTEGER <= event.originator_version <= BIGGEST_INTEGER:
            raise DataError(
                f"{self.application_name}: version {event.originator_version} of originator "
                f"{event.originator_id} is beyond {BIGGEST_INTEGER}, the highest there can be."
            )
        self._checked_id(event.originator_id)
        if event.topic not in self._topics:
            # They are few, and the same again and again.
            self._topics.add(checked_text(self.model, "topic", event.topic))

    def _checked_id(self, originator_id: UUID | str) -> UUID | str:
        keeps_uuids = self._keeps_uuids
        if keeps_uuids is not isinstance(originator_id, UUID):
            raise DataError(
                f"{self.application_name}: originator id {originator_id!r} is a "
                f"{type(originator_id).__name__}; {self.model.__name__} keeps "
                f"{'UUIDs' if keeps_uuids else 'text'} only. Name a model for such ids by EVENT or "
                f"SNAPSHOT in the application's MODELS."
            )
        if isinstance(originator_id, str):
            return checked_text(self.model, "originator_id", originator_id)
        return originator_id

    @contextmanager
    def _writing(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Iterator[dict[str, bool]]:
        """Yield what ``_insert_events()`` is told, in whatever makes it all or nothing."""
        connection = connections[self.alias]
        savepoint = self._needs_savepoint(**kwargs)
        try:
            is_plain = connection.in_atomic_block or connection.get_autocommit()
            if is_plain and savepoint and self._is_atomic(stored_events, **kwargs):
                # To begin and to commit by hand would take two round trips more.
                yield {"is_guarded": True} if connection.in_atomic_block else {}
            else:
                with transaction.atomic(using=self.alias, savepoint=savepoint):
                    yield {}
        except db.Error as error:
            if breaks_constraint(error, self.model, VERSION_FIELDS):
                raise self._conflict(stored_events) from error
            raise translated(error, self.alias) from error

    def _conflict(self, stored_events: Sequence[StoredEvent]) -> RecordConflictError:
        """Return the error that names the versions which are taken."""
        try:
            taken = self._taken(stored_events)
        except db.Error:
            # A conflict is told as one, even if the database tells no more of it.
            taken = []
        # None is found if the events repeat a version among themselves.
        named = taken or [
            (e.originator_id, e.originator_version) for e in stored_events[:NAMED_VERSIONS]
        ]
        versions = ", ".join(f"version {version} of {id_}" for id_, version in named)
        return RecordConflictError(
            f"{self.application_name}: {versions} has been recorded already. "
            f"Get the aggregate again and repeat the command."
        )

    def _taken(self, stored_events: Sequence[StoredEvent]) -> list[tuple[Any, int]]:
        """Return the first versions that are there already; a few events are asked for at once."""
        for start in range(0, len(stored_events), ASKED_VERSIONS):
            wanted = Q()
            for event in stored_events[start : start + ASKED_VERSIONS]:
                wanted |= Q(
                    originator_id=event.originator_id, originator_version=event.originator_version
                )
            taken = list(
                self.records.of(self.application_name)
                .filter(wanted)
                .order_by("originator_id", "originator_version")
                .values_list("originator_id", "originator_version")[:NAMED_VERSIONS]
            )
            if taken:
                return taken
        return []
