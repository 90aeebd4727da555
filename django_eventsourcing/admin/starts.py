"""Starts: where a page of a list begins, as the reader has asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from django_eventsourcing.admin.dates import first_event_at
from django_eventsourcing.admin.filters import LogForm
from django_eventsourcing.admin.paging import Cursor, clamp_id
from django_eventsourcing.payloads import visible

__all__ = ["Start", "start_of"]


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where a page begins, and which record the reader has asked to go to."""

    cursor: Cursor
    asked: int | None = None
    time: str = ""
    """The time, if the reader has asked for one."""

    def note(self, rows: Sequence[Any]) -> str:
        """Return what is to be said of where the page begins."""
        if self.time and self.asked is None:
            return _("No event was recorded at %(time)s or later: these are the newest.") % {
                "time": self.time
            }
        if self.time:
            return _(
                "Event %(id)d is the first that was recorded at %(time)s or later; the list begins "
                "there."
            ) % {"id": self.asked, "time": self.time}
        if self.asked is not None and rows and rows[0].id != self.asked:
            return _("%(id)d is not in this list; it begins with the next older one.") % {
                "id": self.asked
            }
        return ""


def start_of(form: LogForm, in_order: QuerySet[Any] | None) -> Start:
    """Return where the page begins; ``in_order`` are the records that have times, by their ids."""
    goal = form.goal
    if goal is None:
        return Start(cursor=form.cursor)
    if isinstance(goal, int):
        return Start(cursor=Cursor(before=clamp_id(goal + 1)), asked=goal)
    found = None if in_order is None else first_event_at(in_order, goal)
    return Start(
        cursor=Cursor() if found is None else Cursor(before=clamp_id(found + 1)),
        asked=found,
        time=visible(form.data["at"]),
    )
