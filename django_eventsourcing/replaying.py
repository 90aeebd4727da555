"""Replaying: an aggregate made of events that are written down, as tests have them."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django_eventsourcing.payloads import readable_event
from django_eventsourcing.registry import get_application
from django_eventsourcing.streams import state_of
from eventsourcing.application import Application, project_aggregate
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.topics import construct_topic

__all__ = ["Replayed", "plain_mapper", "replay", "replay_with"]


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What events say as they are read now, and the aggregate that they make."""

    events: list[dict[str, Any]]
    """The values of each, as JSON has them."""
    class_versions: list[Any]
    """The version of each event's class when it was stored."""
    topic: str
    """The topic of the aggregate's class; empty where there is no aggregate, as after its end."""
    version: int | None
    attributes: dict[str, Any] | None
    """As JSON has them."""


def replay(
    application: str, originator_id: UUID | str, events: Sequence[tuple[int, str, str | bytes]]
) -> Replayed:
    """
    Return the aggregate that an application makes of events, each a version, a topic and a state.

    The states are as the application's transcoder writes them, neither compressed nor encrypted.
    They are upcast, and no database is read.
    """
    return replay_with(get_application(application), originator_id, events)


def replay_with(
    application: Application,
    originator_id: UUID | str,
    events: Sequence[tuple[int, str, str | bytes]],
) -> Replayed:
    """Do as ``replay()`` does, with an application that is at hand."""
    mapper = plain_mapper(application)
    aggregate: Any = None
    values, class_versions = [], []
    for version, topic, text in events:
        state = text.encode() if isinstance(text, str) else text
        stored = StoredEvent(originator_id, version, topic, state)
        values.append(readable_event(mapper, stored))
        class_versions.append(mapper.to_state(stored).get("class_version", 1))
        aggregate = project_aggregate(aggregate, [mapper.to_domain_event(stored)])
    return Replayed(
        events=values,
        class_versions=class_versions,
        topic="" if aggregate is None else construct_topic(type(aggregate)),
        version=None if aggregate is None else aggregate.version,
        attributes=state_of(aggregate),
    )


def plain_mapper(application: Application) -> Mapper:
    """Return the application's mapper, but that it neither compresses nor encrypts."""
    mapper = copy.copy(application.mapper)
    mapper.compressor = mapper.cipher = None
    return mapper
