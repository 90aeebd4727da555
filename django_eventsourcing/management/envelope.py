"""The envelope: what every ``es_*`` command prints with ``--json``, for scripts to rely on."""

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from django.utils import timezone

from django_eventsourcing.payloads import visible

__all__ = ["VERSION", "envelope", "to_plain"]

VERSION = 1
"""Raised when a key is taken away, or means something else; new keys may come at any time."""


def envelope(
    command: str, data: object, *, version: int = VERSION, generated_at: datetime | None = None
) -> str:
    """
    Return one line of JSON: ``{"schema": …, "version": 1, "generated_at": …, "data": …}``.

    ``command`` is the name of the command, such as ``es_status``. Keys keep the order in which the
    values declare them, so that the same data makes the same text.
    """
    text = json.dumps(
        {
            "schema": f"django_eventsourcing.{command}",
            "version": version,
            "generated_at": to_plain(generated_at or datetime.now(UTC)),
            "data": to_plain(data),
        },
        ensure_ascii=False,
        allow_nan=False,
    )
    # Such characters stand in texts alone, where escapes mean the same.
    return visible(text)


def to_plain(value: object) -> Any:
    """
    Return the value as JSON has it.

    Dataclasses become objects of their fields, enumerations their values, times text in UTC with
    a ``Z``, durations seconds, UUIDs and decimals text, and sets sorted lists. Raise ``TypeError``
    for anything else: what is printed is to be chosen, not to happen.
    """
    if isinstance(value, Enum):
        return to_plain(value.value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (UUID, Decimal, date)):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(to_plain(key)): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, AbstractSet):
        return sorted((to_plain(item) for item in value), key=repr)
    raise TypeError(
        f"{type(value).__qualname__} has no form in JSON.  HINT: Give text, numbers, times, UUIDs, "
        "dataclasses, or lists and dicts of them."
    )


def _utc(value: datetime) -> str:
    if timezone.is_naive(value):
        # Without USE_TZ, Django's times are those of TIME_ZONE.
        value = timezone.make_aware(value, timezone.get_default_timezone())
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
