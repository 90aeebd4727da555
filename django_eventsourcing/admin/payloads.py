"""Payloads: what a stored event says, as text to be read."""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import Enum
from typing import Any

from django.utils.translation import gettext as _

from django_eventsourcing.admin.places import Place
from eventsourcing.persistence import StoredEvent

__all__ = ["Payload", "read_payload", "readable_json"]

TEXT_LIMIT = 200_000
"""Characters of a payload that are shown; a page must stay readable, and small."""
STORED_LIMIT = 2_000
"""Bytes that are shown of a state as it is stored."""


@dataclass(frozen=True, kw_only=True)
class Payload:
    """What a stored event says: either ``text``, or an ``error`` that says why it is unreadable."""

    text: str = ""
    """The event's own values as indented JSON."""
    error: str = ""
    stored: str = ""
    """The beginning of the state as it is stored."""
    size: int = 0
    """The number of bytes of the state as it is stored."""


def readable_json(values: Any) -> str:
    """Return the values as indented JSON for reading; it need not lead back to the values."""
    return "" if values is None else _shorten(_plain(_to_json(values)))


def read_payload(place: Place | None, name: str, stored_event: StoredEvent) -> Payload:
    """Return the payload as the application ``name`` reads it; ``place`` is where that is."""
    state = bytes(stored_event.state)
    payload = Payload(stored=_plain(_as_stored(state)), size=len(state))
    if place is None:
        return dataclasses.replace(
            payload,
            error=_plain(
                _(
                    "No configured system has an application named “%(name)s” that keeps its "
                    "events in this database, so the payload can be shown only as it is stored."
                )
                % {"name": name}
            ),
        )
    try:
        text = _decode(place, stored_event)
    except Exception as error:  # noqa: BLE001  Whatever is wrong with one event is shown as such.
        return dataclasses.replace(payload, error=_plain(_describe(error)))
    return dataclasses.replace(payload, text=text)


def _decode(place: Place, stored_event: StoredEvent) -> str:
    domain_event = place.application.mapper.to_domain_event(stored_event)
    values = dict(domain_event._as_dict())
    # These have columns of their own.
    for column in ("originator_id", "originator_version"):
        values.pop(column, None)
    return readable_json(values)


def _to_json(values: Any) -> str:
    return json.dumps(_readable(values), indent=2, ensure_ascii=False)


def _readable(value: Any) -> Any:
    """Return the value in terms of JSON's types."""
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(_readable(key)): _readable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_readable(item) for item in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: _readable(getattr(value, field.name)) for field in fields}
    return str(value)


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
    return text[:TEXT_LIMIT] + _("\n… and %(rest)d characters more") % {"rest": rest}


def _describe(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= STORED_LIMIT else f"{text[:STORED_LIMIT]} …"


# Characters that are not seen, or that change the order in which others are.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def _plain(text: str) -> str:
    """Return the text with what cannot be seen, or sent, written as escapes."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
