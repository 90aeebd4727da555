"""Stored events to write."""

from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent


def stored_event(
    originator_id: UUID | None = None,
    version: int = 1,
    topic: str = "school:Dog.Registered",
    state: bytes = b'{"name":"Fido"}',
) -> StoredEvent:
    return StoredEvent(originator_id or uuid4(), version, topic, state)


def stream(*versions: int, originator_id: UUID | None = None) -> list[StoredEvent]:
    """Return events of one originator, at these versions."""
    originator_id = originator_id or uuid4()
    return [stored_event(originator_id, version) for version in versions]
