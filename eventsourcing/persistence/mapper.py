"""The mapper: domain events to stored events and back."""

from typing import Any, Protocol
from uuid import UUID

from eventsourcing.domain import HasOriginatorIDVersion, upcast
from eventsourcing.domain.state import event_from_state, event_state
from eventsourcing.persistence.compression import Cipher
from eventsourcing.persistence.errors import MapperDeserialisationError
from eventsourcing.persistence.records import StoredEvent
from eventsourcing.persistence.transcoding import Transcoder
from eventsourcing.topics import find_topic, get_topic

__all__ = ["CompressorProtocol", "Mapper"]


class CompressorProtocol(Protocol):
    """A compressor object, or a module such as ``zlib``."""

    def compress(self, data: bytes, /) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class Mapper:
    """
    Converts between domain events and stored events.

    The state is encoded, then compressed, then encrypted. Originator id and version are not part
    of it, since they have columns of their own.
    """

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
        """Return the domain event in the form in which recorders keep it."""
        event_class = type(domain_event)
        state = event_state(domain_event)
        originator_id = state.pop("originator_id")
        originator_version = state.pop("originator_version")
        class_version = getattr(event_class, "class_version", 1)
        if class_version > 1:
            state["class_version"] = class_version
        data = self.transcoder.encode(state)
        if self.compressor is not None:
            data = self.compressor.compress(data)
        if self.cipher is not None:
            data = self.cipher.encrypt(data)
        return StoredEvent(originator_id, originator_version, get_topic(event_class), data)

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """
        Return the domain event, its state upcast to the class's present version.

        Raise ``MapperDeserialisationError`` for whatever goes wrong: an unknown topic, state that
        is damaged, encrypted with another key, or holds values of unregistered types.
        """
        try:
            return self._reconstruct(stored_event)
        except Exception as error:
            raise MapperDeserialisationError(
                f"The event with topic {stored_event.topic!r}, originator "
                f"{stored_event.originator_id} and version {stored_event.originator_version} "
                f"cannot be read: {type(error).__name__}: {error}"
            ) from error

    def _reconstruct(self, stored_event: StoredEvent) -> Any:
        event_class = find_topic(stored_event.topic)
        if not _is_event_class(event_class):
            raise TypeError("the topic does not name an event class")
        data = stored_event.state
        if self.cipher is not None:
            data = self.cipher.decrypt(data)
        if self.compressor is not None:
            data = self.compressor.decompress(data)
        state = self.transcoder.decode(data)
        if not isinstance(state, dict):
            raise TypeError(f"the state is {type(state).__name__}, not a mapping")
        state["originator_id"] = _typed_id(event_class, stored_event.originator_id)
        state["originator_version"] = stored_event.originator_version
        return event_from_state(event_class, upcast(event_class, state))


def _is_event_class(obj: Any) -> bool:
    if not isinstance(obj, type):
        return False
    # A plain dataclass that keeps to the protocol will do.
    fields = getattr(obj, "__dataclass_fields__", {}).keys()
    return issubclass(obj, HasOriginatorIDVersion) or (
        {"originator_id", "originator_version"} <= fields
    )


def _typed_id(event_class: Any, originator_id: UUID | str) -> UUID | str:
    # A database with a column of text gives each id as text.
    is_uuid = getattr(event_class, "originator_id_type", None) is UUID
    return UUID(originator_id) if is_uuid and isinstance(originator_id, str) else originator_id
