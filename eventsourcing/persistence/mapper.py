"""The mapper: domain events to stored events and back."""

from typing import Any
from uuid import UUID

from eventsourcing.domain import HasOriginatorIDVersion, upcast
from eventsourcing.domain.state import event_state, shape_of
from eventsourcing.persistence.compression import Cipher
from eventsourcing.persistence.errors import (
    MapperDeserialisationError,
    NestingTooDeepError,
    PayloadTooLargeError,
)
from eventsourcing.persistence.inflating import CompressorProtocol, inflated_at_most
from eventsourcing.persistence.limits import (
    INFLATED_MAX_BYTES,
    NESTING_MAX_DEPTH,
    PAYLOAD_MAX_BYTES,
    Limits,
)
from eventsourcing.persistence.records import StoredEvent
from eventsourcing.persistence.transcoding import Transcoder
from eventsourcing.topics import find_topic, get_topic

__all__ = ["CompressorProtocol", "Mapper"]

_REMEDY = "Keep what is large elsewhere, with a reference to it in the event, or raise {key}."


class Mapper:
    """
    Converts between domain events and stored events.

    The state is encoded, then compressed, then encrypted. Originator id and version are not part
    of it, since they have columns of their own.
    """

    application_name: str = ""
    """The application whose events these are, where it is known: errors tell it."""
    limits: Limits = Limits()
    """How large events may be, and how deeply their values may be nested."""

    def __init__(
        self,
        transcoder: Transcoder,
        compressor: CompressorProtocol | None = None,
        cipher: Cipher | None = None,
    ) -> None:
        self.transcoder = transcoder
        self.compressor = compressor
        self.cipher = cipher

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """
        Return the domain event in the form in which recorders keep it.

        Raise ``PayloadTooLargeError`` or ``NestingTooDeepError`` if it goes beyond the limits.
        """
        event_class = type(domain_event)
        state = event_state(domain_event)
        originator_id = state.pop("originator_id")
        originator_version = state.pop("originator_version")
        class_version = getattr(event_class, "class_version", 1)
        if class_version > 1:
            state["class_version"] = class_version
        topic = get_topic(event_class)
        try:
            data = self._encoded(state)
        except (NestingTooDeepError, PayloadTooLargeError) as error:
            which = _named(StoredEvent(originator_id, originator_version, topic, b""))
            raise type(error)(f"{self._prefix}{which} cannot be stored: {error}") from error
        stored_event = StoredEvent(originator_id, originator_version, topic, data)
        self.require_size(stored_event)
        return stored_event

    def require_size(self, stored_event: StoredEvent) -> None:
        """Raise ``PayloadTooLargeError`` if the state has more bytes than may be stored."""
        size, limit = len(stored_event.state), self.limits.payload_bytes
        if limit and size > limit:
            raise PayloadTooLargeError(
                f"{self._prefix}{_named(stored_event)} cannot be stored: it has {size} bytes, and "
                f"{PAYLOAD_MAX_BYTES} is {limit}. {_REMEDY.format(key=PAYLOAD_MAX_BYTES)}"
            )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """
        Return the domain event, its state upcast to the class's present version.

        Raise ``MapperDeserialisationError`` for whatever goes wrong: an unknown topic, state that
        is damaged, encrypted with another key, goes beyond the limits, or holds values of
        unregistered types.
        """
        try:
            event_class = find_topic(stored_event.topic)
            known = _readings.get(event_class) if isinstance(event_class, type) else None
            reading = known or _reading_of(event_class)
            state = self.transcoder.decode(self._opened(stored_event.state))
            if not isinstance(state, dict):
                raise TypeError(f"the state is {type(state).__name__}, not a mapping")
            originator_id = stored_event.originator_id
            # A database with a column of text gives each id as text.
            if reading.has_uuid and isinstance(originator_id, str):
                originator_id = UUID(originator_id)
            state["originator_id"] = originator_id
            state["originator_version"] = stored_event.originator_version
            if "class_version" in state or getattr(event_class, "class_version", 1) > 1:
                upcast(event_class, state)
            return reading.make(state)
        except Exception as error:
            raise _unreadable(stored_event, error) from error

    def to_state(self, stored_event: StoredEvent) -> Any:
        """
        Return the event's own values as they were stored: decoded, and not upcast.

        The class need not be there. Raise ``MapperDeserialisationError`` if they cannot be read.
        """
        try:
            return self.transcoder.decode(self._opened(stored_event.state))
        except Exception as error:
            raise _unreadable(stored_event, error) from error

    def to_encoded(self, stored_event: StoredEvent) -> bytes:
        """
        Return the state as the transcoder has written it: decrypted and decompressed.

        Raise ``MapperDeserialisationError`` if it cannot be read.
        """
        try:
            return self._opened(stored_event.state)
        except Exception as error:
            raise _unreadable(stored_event, error) from error

    def _encoded(self, state: dict[str, Any]) -> bytes:
        try:
            data = self.transcoder.encode(state)
        except RecursionError as error:
            raise NestingTooDeepError(
                f"its values are nested on more levels than can be encoded, and "
                f"{NESTING_MAX_DEPTH} is {self.limits.nesting}. Make them flatter."
            ) from error
        self._require_flat(data)
        if self.compressor is not None:
            self._require_inflatable(data)
            data = self.compressor.compress(data)
        return data if self.cipher is None else self.cipher.encrypt(data)

    def _opened(self, data: bytes) -> bytes:
        if self.cipher is not None:
            data = self.cipher.decrypt(data)
        if self.compressor is not None:
            data = self._inflated(self.compressor, data)
        self._require_flat(data)
        return data

    def _inflated(self, compressor: CompressorProtocol, data: bytes) -> bytes:
        limit = self.limits.inflated_bytes
        if not limit:
            return compressor.decompress(data)
        inflated = inflated_at_most(compressor, data, limit + 1)
        if len(inflated) > limit:
            raise PayloadTooLargeError(
                f"decompressed, it has more than {limit} bytes, which is {INFLATED_MAX_BYTES}. "
                f"If it is meant to have them, raise {INFLATED_MAX_BYTES}."
            )
        return inflated

    def _require_inflatable(self, data: bytes) -> None:
        # What could be written, and not read again, would be lost.
        limit = self.limits.inflated_bytes
        if limit and len(data) > limit:
            raise PayloadTooLargeError(
                f"before compression, it has {len(data)} bytes, and {INFLATED_MAX_BYTES} is "
                f"{limit}. {_REMEDY.format(key=INFLATED_MAX_BYTES)}"
            )

    def _require_flat(self, data: bytes) -> None:
        depth = self.limits.nesting
        if depth and self.transcoder.is_deeper_than(data, depth):
            raise NestingTooDeepError(
                f"its values are nested on more than {depth} levels, which is "
                f"{NESTING_MAX_DEPTH}. Make them flatter, or raise {NESTING_MAX_DEPTH}."
            )

    @property
    def _prefix(self) -> str:
        return f"{self.application_name}: " if self.application_name else ""


class _Reading:
    """What is to be known of a class to read its events: looked up once."""

    def __init__(self, event_class: Any) -> None:
        self.has_uuid = getattr(event_class, "originator_id_type", None) is UUID
        self.make = shape_of(event_class).make


_readings: dict[Any, _Reading] = {}


def _reading_of(event_class: Any) -> _Reading:
    if not _is_event_class(event_class):
        raise TypeError("the topic does not name an event class")
    reading = _readings[event_class] = _Reading(event_class)
    return reading


def _unreadable(stored_event: StoredEvent, error: Exception) -> MapperDeserialisationError:
    return MapperDeserialisationError(
        f"{_named(stored_event)} cannot be read: {type(error).__name__}: {error}"
    )


def _named(stored_event: StoredEvent) -> str:
    return (
        f"The event with topic {stored_event.topic!r}, originator {stored_event.originator_id} "
        f"and version {stored_event.originator_version}"
    )


def _is_event_class(obj: Any) -> bool:
    if not isinstance(obj, type):
        return False
    # A plain dataclass that keeps to the protocol will do.
    fields = getattr(obj, "__dataclass_fields__", {}).keys()
    return issubclass(obj, HasOriginatorIDVersion) or (
        {"originator_id", "originator_version"} <= fields
    )
