"""Stored events: the list, a page for each, and the notification logs of the applications."""

from collections.abc import Sequence

from django.contrib import admin
from django.utils.translation import gettext as _

from django_eventsourcing.admin.searches import QUALIFIERS, TEXT
from django_eventsourcing.admin.traces import TracePages
from django_eventsourcing.catalogue import EventClass, event_classes
from django_eventsourcing.models import StoredEventRecord

__all__ = ["StoredEventAdmin"]


@admin.register(StoredEventRecord)
class StoredEventAdmin(TracePages):
    """Shows what has happened, in the order in which it was recorded."""

    kind = "event"
    time_column = "recorded_at"
    searched = (*QUALIFIERS, TEXT)

    def get_classes(self) -> Sequence[EventClass]:
        return event_classes()

    def get_tools(self) -> Sequence[tuple[str, str]]:
        return [(_("Notification logs"), self.url("logs")), (_("Trace"), self.url("trace"))]
