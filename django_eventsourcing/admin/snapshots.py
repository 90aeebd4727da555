"""Snapshots: states of aggregates that are kept so that few events need be read."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext as _

from django_eventsourcing.admin.places import Place
from django_eventsourcing.admin.records import RecordAdmin, stored_event
from django_eventsourcing.models import SnapshotRecord

__all__ = ["SnapshotAdmin"]


@admin.register(SnapshotRecord)
class SnapshotAdmin(RecordAdmin):
    """Shows the snapshots that the applications keep."""

    kind = "snapshot"

    @property
    def class_label(self) -> str:
        return _("Aggregate")

    def get_columns(self) -> Sequence[str]:
        # The class is in the state, which is read for the rows of one page only.
        return [*super().get_columns(), "state"]

    def class_topic(self, record: Any, place: Place | None) -> str:
        """Return the topic of the aggregate, whose snapshots are all of one class otherwise."""
        if place is None:
            return ""
        try:
            snapshot = place.application.mapper.to_domain_event(stored_event(record))
        except Exception:  # noqa: BLE001  Its page says what is wrong with it.
            return ""
        topic = getattr(snapshot, "topic", "")
        return topic if isinstance(topic, str) else ""
