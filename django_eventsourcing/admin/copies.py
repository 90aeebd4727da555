"""Copies: an event in the forms in which people take it elsewhere."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from django_eventsourcing.admin.payloads import Payload
from django_eventsourcing.admin.places import Place
from django_eventsourcing.event_log import LoggedEvent
from django_eventsourcing.management.envelope import to_plain
from django_eventsourcing.payloads import readable, visible
from django_eventsourcing.problems import described
from django_eventsourcing.python_text import event_expression
from django_eventsourcing.stream_tests import stream_test
from eventsourcing.persistence import StoredEvent

__all__ = ["Copy", "copies_of"]

LIMIT = 20_000
"""Characters of a copy that a page has without being asked."""
TEST_LIMIT = 2_000_000
"""Characters of the test."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A text to be copied; or a problem, that there is none; or where it is made, if asked for."""

    id: str
    label: str
    text: str = ""
    problem: str = ""
    url: str = ""
    is_open: bool = False


def copies_of(
    place: Place,
    event: LoggedEvent,
    stored_event: StoredEvent,
    payload: Payload,
    *,
    test_url: str,
    makes_test: bool,
    shows_otherwise: bool,
) -> Iterator[Copy]:
    """
    Yield the copies that the user may have; the test is made if asked for, as it reads the stream.

    ``shows_otherwise`` tells that the project shows events otherwise than they are stored.
    """
    yield Copy(id="id", label=_("ID"), text=str(event.id))
    if payload.is_masked:
        return
    yield _made(Copy(id="json", label=_("JSON")), lambda: _as_json(event, payload))
    hidden = _("The project has this event shown otherwise than it is stored.")
    python = Copy(id="python", label=_("Python"))
    if payload.is_formatted:
        yield replace(python, problem=hidden)
    else:
        yield _made(python, lambda: event_expression(_read(place, stored_event)))
    test = Copy(id="pytest", label=_("The stream up to here, as a pytest test"), is_open=makes_test)
    if shows_otherwise:
        yield replace(test, problem=_("The project has events shown otherwise than they are."))
    elif makes_test:
        id_, version = event.originator_id, event.originator_version
        yield _made(test, lambda: stream_test(place.application, id_, version), TEST_LIMIT)
    else:
        yield replace(test, url=test_url)


def _as_json(event: LoggedEvent, payload: Payload) -> str:
    values = None if payload.values is None else readable(payload.values)
    event = replace(event, values=values, error=payload.error)
    return visible(json.dumps(to_plain(event), ensure_ascii=False))


def _read(place: Place, stored_event: StoredEvent) -> Any:
    return place.application.mapper.to_domain_event(stored_event)


def _made(copy: Copy, make: Callable[[], str], limit: int = LIMIT) -> Copy:
    try:
        text = make()
    except Exception as error:  # noqa: BLE001  Whatever is wrong with one event is shown as such.
        return replace(copy, problem=visible(described(error)))
    if len(text) > limit:
        words = _("It is too long for a page; manage.py es_events and es_aggregate print all.")
        return replace(copy, problem=words)
    return replace(copy, text=text)
