"""Payloads: what a stored event says, as text to be read."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_eventsourcing.admin.places import Place
from django_eventsourcing.payloads import event_values, readable, visible
from django_eventsourcing.problems import one_line
from eventsourcing.persistence import StoredEvent

__all__ = [
    "MASKED",
    "Payload",
    "hidden_by_permission",
    "read_payload",
    "readable_json",
    "readable_line",
]

TEXT_LIMIT = 200_000
"""Characters of a payload that are shown; a page must stay readable, and small."""
LINE_LIMIT = 2_000
"""Characters that are shown of one attribute."""
STORED_LIMIT = 2_000
"""Bytes that are shown of a state as it is stored."""

Format = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Payload:
    """
    What a stored event says: ``text``, or an ``error`` that says why it is unreadable.

    For those who may not see it, it is masked, and there is nothing else in it.
    """

    text: str = ""
    """The event's own values as indented JSON."""
    values: dict[str, Any] | None = None
    """The event's own values, with their types."""
    error: str = ""
    stored: str = ""
    """The beginning of the state as it is stored."""
    size: int = 0
    """The number of bytes of the state as it is stored."""
    is_masked: bool = False
    is_formatted: bool = False
    """Whether the values are shown otherwise than they are; what is stored is not shown then."""


MASKED = Payload(is_masked=True)
"""The payload for those who may not see it."""


def hidden_by_permission() -> str:
    """Tell in place of what an event says why that is not shown."""
    return _("Hidden: you lack the permission “Can see payloads”.")


def readable_json(values: Any) -> str:
    """Return the values as indented JSON for reading; it need not lead back to the values."""
    return "" if values is None else _shorten(visible(_to_json(values)))


def readable_line(value: Any) -> str:
    """Return the value as JSON in one line for reading, of which the beginning is enough."""
    text = visible(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LINE_LIMIT else f"{text[:LINE_LIMIT]} …"


def read_payload(
    place: Place | None, name: str, stored_event: StoredEvent, shape: Format | None = None
) -> Payload:
    """
    Return the payload as the application ``name`` reads it; ``place`` is where that is.

    ``shape`` returns the values that are to be shown instead. Where it fails, or they are others,
    there is nothing of what is stored in the payload.
    """
    state = bytes(stored_event.state)
    payload = Payload(stored=visible(_as_stored(state)), size=len(state))
    if place is None:
        unknown = _(
            "No configured system has an application named “%(name)s” that keeps its "
            "events in this database, so the payload can be shown only as it is stored."
        )
        error = visible(unknown % {"name": name})
        if shape is not None:
            # Who can tell what it would have made of that?
            return Payload(error=error, is_formatted=True)
        return replace(payload, error=error)
    try:
        values = event_values(place.application.mapper, stored_event)
        whole = _to_json(values)
    except Exception as error:  # noqa: BLE001  Whatever is wrong with one event is shown as such.
        unreadable = visible(_describe(error))
        if shape is not None:
            return Payload(error=unreadable, is_formatted=True)
        return replace(payload, error=unreadable)
    if shape is None:
        return replace(payload, text=_shorten(visible(whole)), values=values)
    try:
        shown = shape(values)
        shaped = _to_json(shown)
    except Exception as error:  # noqa: BLE001  It is the project's code.
        return Payload(error=visible(_describe(error)), is_formatted=True)
    text = _shorten(visible(shaped))
    if shaped == whole:
        return replace(payload, text=text, values=shown)
    return Payload(text=text, values=shown, is_formatted=True)


def _to_json(values: Any) -> str:
    return json.dumps(readable(values), indent=2, ensure_ascii=False)


def _as_stored(state: bytes) -> str:
    head = state[:STORED_LIMIT]
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        text = head.hex(" ", -4)
    return text if len(state) <= STORED_LIMIT else f"{text} …"


def _shorten(text: str) -> str:
    if len(text) <= TEXT_LIMIT:
        return text
    rest = len(text) - TEXT_LIMIT
    more = ngettext("… and %(rest)d character more", "… and %(rest)d characters more", rest)
    return f"{text[:TEXT_LIMIT]}\n{more % {'rest': rest}}"


def _describe(error: BaseException) -> str:
    text = one_line(error) or type(error).__name__
    return text if len(text) <= STORED_LIMIT else f"{text[:STORED_LIMIT]} …"
