"""Values: what metadata may be made of, so that every database gives it back as it was."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from django_eventsourcing.metadata.errors import MetadataError, MetadataSizeError

__all__ = ["MAX_DEPTH", "MAX_SIZE", "Json", "Metadata", "checked", "merged"]

MAX_SIZE = 16 * 1024
"""Bytes of an event's metadata as JSON."""
MAX_DEPTH = 16
"""How deep lists and mappings may be nested: MariaDB's JSON ends at 32."""

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
Metadata: TypeAlias = "dict[str, Json]"

CORRELATION, CAUSATION, USER = "correlation_id", "causation_id", "user"
_BIGGEST = 2**63
_RESERVED = {
    CORRELATION: ((str,), "a text that is not empty"),
    CAUSATION: ((str,), "a text that is not empty"),
    USER: ((str, int), "a text that is not empty, or a whole number"),
}


def checked(values: Mapping[str, object]) -> Metadata:
    """Return a copy of the values in the types of JSON; raise ``MetadataError``, naming the key."""
    found: Metadata = {}
    for key, value in values.items():
        name = _text(key, f"The metadata key {key!r}", "a key")
        found[name] = _plain(value, name, 1)
        if name in _RESERVED:
            _check_reserved(name, found[name])
    return found


def merged(outer: Mapping[str, Json], inner: Mapping[str, Json]) -> Metadata:
    """Return the outer values with the inner ones over them; raise ``MetadataSizeError``."""
    values = {**outer, **inner}
    for key in _RESERVED:
        if key in values and values[key] is None:
            del values[key]
    size = len(json.dumps(values))
    if size > MAX_SIZE:
        largest = max(values, key=lambda key: len(json.dumps(values[key])))
        raise MetadataSizeError(
            f"The metadata has {size:,} bytes as JSON, most of them in {largest!r}; with an event, "
            f"{MAX_SIZE:,} are kept at most. Keep large values elsewhere, and their id here."
        )
    return values


def _plain(value: object, path: str, depth: int) -> Json:
    what = f"The metadata {path!r}"
    if depth > MAX_DEPTH:
        raise MetadataError(
            f"{what} is nested deeper than {MAX_DEPTH} levels. Give it in a flatter form."
        )
    match value:
        case None | bool():
            return value if value is None else bool(value)
        case str():
            return _text(value, what, "a text")
        case int():
            return _whole(int(value), what)
        case float():
            return _finite(float(value), what)
        case list() | tuple():
            return [_plain(each, f"{path}[{n}]", depth + 1) for n, each in enumerate(value)]
        case Mapping():
            return {
                _text(key, f"{what} has a key that", "a key"): _plain(
                    each, f"{path}.{key}", depth + 1
                )
                for key, each in value.items()
            }
    raise MetadataError(
        f"{what} is of the type {type(value).__name__}, which JSON does not have. Give a text, "
        f"such as str(value), a number, a truth value, None, or a list or dict of those."
    )


def _text(value: object, what: str, kind: str) -> str:
    if not isinstance(value, str):
        raise MetadataError(
            f"{what} is of the type {type(value).__name__}, and {kind} of JSON is a text. "
            f"Give str(key)."
        )
    text = str(value)
    if "\0" in text:
        raise MetadataError(f"{what} contains a NUL, which PostgreSQL cannot keep. Remove it.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MetadataError(
            f"{what} contains half of a surrogate pair, which PostgreSQL cannot keep. Decode the "
            f"text by errors='replace' where it comes from."
        ) from None
    return text


def _whole(value: int, what: str) -> int:
    if not -_BIGGEST <= value < _BIGGEST:
        raise MetadataError(
            f"{what} is a whole number beyond 64 bits, which not every database keeps as it is. "
            f"Give it as text."
        )
    return value


def _finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise MetadataError(f"{what} is {value}, which JSON does not have. Give None or a text.")
    return value


def _check_reserved(key: str, value: Json) -> None:
    types, expected = _RESERVED[key]
    if value is None:
        return
    if not isinstance(value, types) or isinstance(value, bool) or value == "":
        raise MetadataError(
            f"The metadata {key!r} is {value!r:.40} of the type {type(value).__name__}; it is to "
            f"be {expected}. Give that, or None to leave it out."
        )
