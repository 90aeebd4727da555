"""Payloads: what an event says, as values of the kinds that JSON has."""

import dataclasses
import re
from collections.abc import Mapping
from datetime import date, time
from enum import Enum
from typing import Any

from eventsourcing.persistence import Mapper, StoredEvent

__all__ = ["event_values", "readable", "readable_event", "visible"]


def readable_event(mapper: Mapper, stored_event: StoredEvent) -> dict[str, Any]:
    """
    Return the event's own values, as the application's mapper reads them.

    Raise ``MapperDeserialisationError`` if it cannot.
    """
    values = event_values(mapper, stored_event)
    return {str(readable(key)): readable(value) for key, value in values.items()}


def event_values(mapper: Mapper, stored_event: StoredEvent) -> dict[str, Any]:
    """
    Return the event's own values with their types, as the application's mapper reads them.

    Raise ``MapperDeserialisationError`` if it cannot.
    """
    values = dict(mapper.to_domain_event(stored_event)._as_dict())
    # These have columns of their own.
    for column in ("originator_id", "originator_version"):
        values.pop(column, None)
    return values


def readable(value: Any) -> Any:
    """Return the value in terms of JSON's types, to be read; it need not lead back to the value."""
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(readable(key)): readable(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        # In an order that does not change with what is added.
        return sorted((readable(item) for item in value), key=repr)
    if isinstance(value, list | tuple):
        return [readable(item) for item in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: readable(getattr(value, field.name)) for field in fields}
    return str(value)


# Characters that are not seen, that change the order in which others are, or command a terminal.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return the text with what cannot be seen, or sent, written as escapes; as JSON has them."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
