"""The mapper: domain events to stored events and back."""

from typing import Any, Protocol

from eventsourcing.domain import HasOriginatorIDVersion, upcast
from eventsourcing.persistence.compression import Cipher
from eventsourcing.persistence.errors import MapperDeserialisationError
from eventsourcing.persistence.records import StoredEvent
from eventsourcing.persistence.transcoding import Transcoder
from eventsourcing.topics import get_topic, resolve_topic

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
        state = dict(domain_event._as_dict())
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
        event_class = resolve_topic(stored_event.topic)
        if not (isinstance(event_class, type) and issubclass(event_class, HasOriginatorIDVersion)):
            raise TypeError("the topic does not name an event class")
        data = stored_event.state
        if self.cipher is not None:
            data = self.cipher.decrypt(data)
        if self.compressor is not None:
            data = self.compressor.decompress(data)
        state = self.transcoder.decode(data)
        if not isinstance(state, dict):
            raise TypeError(f"the state is {type(state).__name__}, not a mapping")
        state["originator_id"] = stored_event.originator_id
        state["originator_version"] = stored_event.originator_version
        upcast(event_class, state)
        missing = getattr(event_class, "__dataclass_fields__", {}).keys() - state.keys()
        if missing:
            raise ValueError(f"the state lacks {', '.join(sorted(missing))}")
        # The constructor is for new events: it would check, and default, what happened long ago.
        domain_event = object.__new__(event_class)
        vars(domain_event).update(state)
        return domain_event
