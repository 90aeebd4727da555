"""Stream tests: the events of an aggregate, up to one of them, as the file of a pytest test."""

import json
import re
from typing import Any
from uuid import UUID

from django_eventsourcing.event_log import stream_of
from django_eventsourcing.problems import described
from django_eventsourcing.python_text import literal
from django_eventsourcing.replaying import Replayed, replay_with
from eventsourcing.application import Application
from eventsourcing.exceptions import EventSourcingError
from eventsourcing.persistence import Notification

__all__ = ["MOST_EVENTS", "StreamTestError", "stream_test"]

MOST_EVENTS = 1_000
"""Events that a test may have."""


class StreamTestError(EventSourcingError):
    """No test can be made of a stream; the text says why."""


def stream_test(application: Application, originator_id: UUID | str, version: int) -> str:
    """
    Return a test file that replays an aggregate's events up to a version, and says what they made.

    It passes in a project where the application is configured, needs no database, and fails when
    a value of an event, or one that is expected, is another. Raise ``StreamTestError`` if there
    are no events, too many, or some that cannot be read, or if they make something else each time.
    """
    notifications = stream_of(application, originator_id, until=version, limit=MOST_EVENTS + 1)
    if len(notifications) > MOST_EVENTS:
        raise StreamTestError(
            f"{originator_id} has more than {MOST_EVENTS:,} events up to version {version}, which "
            f"is too many for a test. Choose an earlier version."
        )
    if not notifications or notifications[-1].originator_version != version:
        raise StreamTestError(f"{application.name} has no {originator_id} at version {version}.")
    try:
        events = [_plain(application, each) for each in notifications]
        made = replay_with(application, originator_id, events)
        again = replay_with(application, originator_id, events)
    except Exception as error:
        raise StreamTestError(
            f"The events of {originator_id} cannot be replayed: {described(error)}"
        ) from error
    if made != again:
        raise StreamTestError(
            f"The events of {originator_id} make something else each time that they are replayed, "
            f"so that there is nothing to be expected."
        )
    try:
        return _text(application.name, originator_id, version, events, made)
    except (TypeError, ValueError) as error:
        raise StreamTestError(
            f"What the events of {originator_id} make cannot be written: {described(error)}"
        ) from error


def _plain(application: Application, event: Notification) -> tuple[int, str, str | bytes]:
    """Return the version, the topic, and the state as the transcoder has written it."""
    state: str | bytes = application.mapper.to_encoded(event)
    try:
        text = state.decode() if isinstance(state, bytes) else state
    except UnicodeDecodeError:
        return event.originator_version, event.topic, state
    return event.originator_version, event.topic, text


def _text(
    application: str,
    originator_id: UUID | str,
    version: int,
    events: list[tuple[int, str, Any]],
    made: Replayed,
) -> str:
    versions = made.class_versions
    is_uuid = isinstance(originator_id, UUID)
    id_ = f"UUID({str(originator_id)!r})" if is_uuid else repr(originator_id)
    kind = made.topic.rpartition(":")[2].rpartition(".")[2] or "aggregate"
    name = re.sub(r"[^a-z0-9]+", "_", f"{kind}_{str(originator_id)[:8]}".lower()).strip("_")
    rows = "".join(f"    ({e[0]!r}, {e[1]!r}, {e[2]!r}),\n" for e in events)
    lines = [
        f'"""An aggregate of {_words(application)}, replayed up to version {version}."""',
        "",
        *(["from uuid import UUID", ""] if is_uuid else []),
        "from django_eventsourcing.replaying import replay",
        "",
        f"ORIGINATOR_ID = {id_}",
        "# The version, the topic and the state of each event.",
        f"EVENTS = [\n{rows}]",
        "# What the events say, as they are read now.",
        f"VALUES = {_literal(made.events)}",
        f"ATTRIBUTES = {_literal(made.attributes)}",
        "",
        "",
        f"def test_{name}_at_version_{version}():",
        f"    made = replay({application!r}, ORIGINATOR_ID, EVENTS)",
        "",
        "    assert made.events == VALUES",
        *([f"    assert made.class_versions == {versions!r}"] if set(versions) != {1} else []),
        f"    assert made.topic == {made.topic!r}",
        f"    assert made.version == {made.version!r}",
        "    assert made.attributes == ATTRIBUTES",
        "",
    ]
    return "\n".join(lines)


def _literal(value: Any) -> str:
    # Subclasses of JSON's kinds become those.
    return literal(json.loads(json.dumps(value)))


def _words(name: str) -> str:
    return re.sub(r"[^\w .-]", "?", name)
