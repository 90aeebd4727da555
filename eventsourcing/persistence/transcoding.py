"""Transcoding: domain values to bytes and back, by registered, named conversions."""

import functools
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from json import encoder
from typing import Any
from uuid import UUID

from eventsourcing.persistence.errors import TranscodingNotRegisteredError

__all__ = [
    "DatetimeAsISO",
    "DecimalAsStr",
    "JSONTranscoder",
    "Transcoder",
    "Transcoding",
    "UUIDAsHex",
]


_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b'"[]{}'))


class Transcoding(ABC):
    """Converts values of one type to something that the transcoder can write, and back."""

    type: type[Any]
    """The exact type of the values; subclasses need a transcoding of their own."""
    name: str
    """The name kept with the data; once events are stored it must not change."""

    @abstractmethod
    def encode(self, obj: Any) -> Any:
        """Return the value as types that the transcoder knows."""

    @abstractmethod
    def decode(self, data: Any) -> Any:
        """Return the value that ``encode`` was given."""


class Transcoder(ABC):
    """Converts an event's state to bytes and back."""

    def __init__(self) -> None:
        self.types: dict[type[Any], Transcoding] = {}
        self.names: dict[str, Transcoding] = {}

    def register(self, transcoding: Transcoding) -> None:
        """Use the transcoding for its type, and for data that carries its name."""
        self.types[transcoding.type] = transcoding
        self.names[transcoding.name] = transcoding

    @abstractmethod
    def encode(self, obj: Any) -> bytes:
        """Return the value as bytes; raise ``TranscodingNotRegisteredError`` for unknown types."""

    @abstractmethod
    def decode(self, data: bytes) -> Any:
        """Return the value that the bytes hold."""

    def is_deeper_than(self, data: bytes, depth: int) -> bool:
        """
        Tell whether encoded data has values within values, on more levels than ``depth``.

        It is asked before the data is decoded. By default the format is not known, and trusted.
        """
        del data, depth
        return False


class JSONTranscoder(Transcoder):
    """
    Writes compact JSON in UTF-8.

    A registered type becomes ``{"_type_": name, "_data_": encoded}``. JSON knows no tuples and no
    keys other than strings: tuples come back as lists, integer keys as strings. Subclasses of
    the JSON types are written as the JSON type.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = json.JSONEncoder(
            default=self._encode_registered, separators=(",", ":"), ensure_ascii=False
        )
        self.decoder = json.JSONDecoder(object_hook=self._decode_registered)
        # A subclass may have others, which are used as they are.
        self._plain_encoder, self._plain_decoder = self.encoder, self.decoder
        self._read = _fast_reader()
        # Of all that the decoder does, the part in C.
        self._scan: Callable[[str, int], tuple[Any, int]] = vars(self.decoder)["scan_once"]

    def encode(self, obj: Any) -> bytes:
        if _new_writer is None or self.encoder is not self._plain_encoder:
            return self.encoder.encode(obj).encode("utf8")
        write = _new_writer({}, self._encode_registered, *_WRITER)
        return "".join(write(obj, 0)).encode("utf8")

    def decode(self, data: bytes) -> Any:
        if self.decoder is not self._plain_decoder:
            return self.decoder.decode(data.decode("utf8"))
        if self._read is not None:
            try:
                return self._restored(self._read(data))
            except (ValueError, TypeError, RecursionError):
                # The longer way says what is wrong, or reads what the fast one does not know.
                pass
        text = data.decode("utf8")
        try:
            value, end = self._scan(text, 0)
        except StopIteration:
            end = -1
        # What is more, or less, than one value without space around it is read with that.
        return value if end == len(text) else self.decoder.decode(text)

    def is_deeper_than(self, data: bytes, depth: int) -> bool:
        if len(data) <= depth:
            return False
        # Nearly all events have fewer brackets than there may be levels.
        if data.count(b"[") + data.count(b"{") <= depth:
            return False
        levels = _brackets(data)
        for _ in range(depth):
            inner = levels.replace(b"[]", b"")
            if len(inner) == len(levels):
                break
            levels = inner
        # What opens and never closes is damaged, and would be followed down all the same.
        return b"[]" in levels or levels.count(b"[") > depth

    def _encode_registered(self, obj: Any) -> dict[str, Any]:
        transcoding = self.types.get(type(obj))
        if transcoding is None:
            name = f"{type(obj).__module__}.{type(obj).__qualname__}"
            raise TranscodingNotRegisteredError(
                f"{obj!r} of type {name} cannot be stored: no transcoding is registered for the "
                f"type. Define a Transcoding for it and register it in "
                f"Application.register_transcodings()."
            )
        return {"_type_": transcoding.name, "_data_": transcoding.encode(obj)}

    def _restored(self, value: Any) -> Any:
        """Return a value of JSON with what is of registered types decoded, the inner ones first."""
        if type(value) is dict:
            for key, each in value.items():
                kind = type(each)
                if kind is not dict and kind is not list:
                    continue
                if kind is dict and "_type_" in each and len(each) == 2:
                    # Most of the registered types are written as text: there is nothing within.
                    is_text = type(each.get("_data_")) is str
                    value[key] = self._decode_registered(each) if is_text else self._restored(each)
                else:
                    value[key] = self._restored(each)
            return self._decode_registered(value) if "_type_" in value else value
        if type(value) is list:
            return [self._restored(each) for each in value]
        return value

    def _decode_registered(self, data: dict[str, Any]) -> Any:
        # It is called for each object of JSON, most of which are none of a registered type.
        if "_type_" not in data or "_data_" not in data or len(data) != 2:
            return data
        name = data["_type_"]
        transcoding = self.names.get(name) if isinstance(name, str) else None
        if transcoding is None:
            raise TranscodingNotRegisteredError(
                f"Stored data has the type name {name!r}, for which no transcoding is registered. "
                f"Register the Transcoding of that name in Application.register_transcodings()."
            )
        try:
            return transcoding.decode(data["_data_"])
        except Exception as error:
            # The text of the error may repeat the value, which is nobody's business.
            raise ValueError(
                f"a value of the type name {name!r} cannot be decoded: {type(error).__name__}"
            ) from error


# What JSONEncoder makes anew for each value, where it is written in C: with the encoder of texts,
# no indent, the separators, neither sorted nor skipped keys, and numbers that JSON lacks allowed.
_new_writer: Callable[..., Callable[[Any, int], Iterable[str]]] | None = vars(encoder)[
    "c_make_encoder"
]
_WRITER = (encoder.encode_basestring, None, ":", ",", False, False, True)


@functools.cache
def _fast_reader() -> Callable[[bytes], Any] | None:
    """Return what reads JSON faster than the standard library, if it is installed."""
    try:
        from msgspec.json import Decoder
    except ImportError:
        return None
    decode: Callable[[bytes], Any] = Decoder().decode
    return decode


def _brackets(data: bytes) -> bytes:
    """Return the brackets of JSON that are not within texts, braces as brackets."""
    data = data.replace(rb"\\", b"").replace(rb"\"", b"").translate(_AS_BRACKETS, _NO_BRACKETS)
    # Texts without brackets are two quotes now; the others begin at each second one.
    return b"".join(data.replace(b'""', b"").split(b'"')[::2])


class UUIDAsHex(Transcoding):
    """Keeps a UUID as 32 hexadecimal digits."""

    type = UUID
    name = "uuid_hex"

    def encode(self, obj: UUID) -> str:
        return obj.hex

    def decode(self, data: str) -> UUID:
        return UUID(data)


class DecimalAsStr(Transcoding):
    """Keeps a decimal number as its text, with all its digits."""

    type = Decimal
    name = "decimal_str"

    def encode(self, obj: Decimal) -> str:
        return str(obj)

    def decode(self, data: str) -> Decimal:
        return Decimal(data)


class DatetimeAsISO(Transcoding):
    """Keeps a date and time, with its offset, in ISO 8601."""

    type = datetime
    name = "datetime_iso"

    def encode(self, obj: datetime) -> str:
        return obj.isoformat()

    def decode(self, data: str) -> datetime:
        return datetime.fromisoformat(data)
