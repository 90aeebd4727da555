"""Querysets: the questions that recorders and pages ask of events, snapshots and positions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from django.db import connections, models, transaction
from django.db.models import Q, Subquery

from django_eventsourcing.correlations import correlated, is_indexed
from django_eventsourcing.ordering import get_commit_order
from django_eventsourcing.segments import RETIRED

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractRecord, AbstractStoredEvent, AbstractTracking

__all__ = ["RecordQuerySet", "StoredEventQuerySet", "TrackingQuerySet", "recorded"]

_Record = TypeVar("_Record", bound="AbstractRecord")
_Event = TypeVar("_Event", bound="AbstractStoredEvent")
_Tracking = TypeVar("_Tracking", bound="AbstractTracking")


def recorded(key: str, value: str) -> Q:
    """Return the condition of metadata that has the value, which may be a number there."""
    matching = Q(**{f"metadata__{key}": value})
    if re.fullmatch("-?[0-9]{1,19}", value):
        matching |= Q(**{f"metadata__{key}": int(value)})
    return matching


class RecordQuerySet(models.QuerySet[_Record]):
    """Records of aggregates, by application, originator and version."""

    def of(self, application_name: str) -> Self:
        """Keep the records of one application."""
        return self.filter(application_name=application_name)

    def originator(self, originator_id: UUID | str) -> Self:
        """Keep the records of one aggregate."""
        return self.filter(originator_id=originator_id)

    def versions(self, *, gt: int | None = None, lte: int | None = None) -> Self:
        """Keep the versions after ``gt``, and up to and including ``lte``."""
        records = self
        if gt is not None:
            records = records.filter(originator_version__gt=gt)
        if lte is not None:
            records = records.filter(originator_version__lte=lte)
        return records


class StoredEventQuerySet(RecordQuerySet[_Event]):
    """Stored events, in the order of their versions or of their positions in the log."""

    def log(self, application_name: str) -> Self:
        """Keep an application's events, in the order of its log; any part is found by its index."""
        if connections[self.db].vendor != "mysql":
            return self.of(application_name).order_by("id")
        # Given an equality, MariaDB may read the log from its first event on, up to a position.
        one = self.filter(
            application_name__gte=application_name, application_name__lte=application_name
        )
        return one.order_by("application_name", "id")

    def log_after(self, application_name: str, position: int) -> Self:
        """Keep an application's events after a position, in the order of its log."""
        return self.log(application_name).filter(id__gt=position)

    def starting_at(self, position: int) -> Self:
        """Keep the events from a position on, in the order of the log."""
        return self.filter(id__gte=position).order_by("id")

    def until(self, position: int) -> Self:
        """Keep the events up to and including a position."""
        return self.filter(id__lte=position)

    def with_topics(self, topics: Sequence[str]) -> Self:
        """Keep the events that have one of the topics; no topics keep all of them."""
        return self.filter(topic__in=topics) if topics else self.all()

    def has_correlation_index(self) -> bool:
        """Tell whether ``correlated_by()`` finds events by an index, in the queryset's database."""
        return is_indexed(self.db, self.model)

    def correlated_by(self, correlation_id: str) -> Self:
        """
        Keep the events that may have been recorded with a correlation id, in the order of ids.

        ``has_correlation_index()`` is to be true. The metadata says which of them have been.
        """
        return self.filter(correlated(correlation_id)).order_by("id")

    def recorded_with(self, key: str, value: str) -> Self:
        """Keep the events whose metadata has the value, for which there is no index."""
        return self.filter(recorded(key, value))

    def last_position(self) -> int | None:
        """Return the highest id, or ``None`` if there are no events."""
        in_order = self if self.query.order_by else self.order_by("id")
        return in_order.reverse().values_list("id", flat=True).first()

    def head(self, application_name: str) -> Subquery:
        """Return the last position of an application's log, to be asked for among other things."""
        return Subquery(self.of(application_name).order_by("-id").values("id")[:1])

    def bulk_create(self, objs: Iterable[_Event], *args: Any, **kwargs: Any) -> list[_Event]:
        """Insert the events when their turn in the order of commits has come."""
        records = list(objs)
        if not records:
            return records
        self._for_write = True
        with transaction.atomic(using=self.db, savepoint=False):
            connection = connections[self.db]
            get_commit_order(connection).before_insert(connection, records)
            return super().bulk_create(records, *args, **kwargs)


class TrackingQuerySet(models.QuerySet[_Tracking]):
    """Positions of followers in their upstream applications."""

    def of(self, application_name: str) -> Self:
        """Keep the positions of one follower."""
        return self.filter(application_name=application_name)

    def upstream(self, upstream_name: str) -> Self:
        """Keep the positions in one upstream application."""
        return self.filter(upstream_name=upstream_name)

    def in_force(self) -> Self:
        """Leave out those of segments that there are no longer."""
        return self.exclude(notification_id=RETIRED)

    def like(self, follower: str) -> Self:
        """Keep those of the follower and its segments, and perhaps of others of like names."""
        is_segment = Q(application_name__startswith=f"{follower}[")
        return self.filter(Q(application_name=follower) | is_segment)

    def before(self, notification_id: int) -> Self:
        """Keep the positions that have not reached the notification."""
        return self.filter(notification_id__lt=notification_id)
