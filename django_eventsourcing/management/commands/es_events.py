"""``manage.py es_events``: the events of an application, as they were recorded and as they come."""

import json
import re
from argparse import ArgumentParser
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Any

from django.core.management.base import CommandError

from django_eventsourcing.catalogue import event_classes, topics_named
from django_eventsourcing.event_log import (
    LoggedEvent,
    Span,
    follow_log,
    has_correlation_index,
    known_id,
    last_id,
    read_log,
    span_of,
)
from django_eventsourcing.management.arguments import whole_number
from django_eventsourcing.management.base import USAGE, SystemCommand
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.management.signals import ended_by_signals
from django_eventsourcing.times import utc_text
from eventsourcing.application import Application

__all__ = ["Command", "event_line"]

DEFAULT_LIMIT = 100
MOST_SUGGESTIONS = 3
DEFAULT_SEARCH = 100_000
_PLAIN = r"[\w.:/+=@-]+"
_LABELS = {"correlation_id": "correlation", "causation_id": "causation", "user": "user"}


class Command(SystemCommand):
    help = (
        "Show the events of an application in the order of its log, with what they say. Exit "
        "codes: 0 ok, also when Ctrl-C or SIGTERM ends --follow, 1 failure, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("application", help="its name")
        parser.add_argument(
            "--after", type=whole_number(0), metavar="ID", help="begin after the event of this id"
        )
        parser.add_argument(
            "--limit",
            type=whole_number(0),
            metavar="N",
            help=f"show so many at most (default: {DEFAULT_LIMIT}; with --follow: all)",
        )
        parser.add_argument(
            "--topic",
            action="append",
            default=[],
            metavar="TOPIC",
            help="show events of this class, by its topic or its name (repeatable)",
        )
        parser.add_argument("--aggregate", metavar="ID", help="show events of this aggregate")
        parser.add_argument(
            "--correlation", metavar="ID", help="show events recorded with this correlation id"
        )
        parser.add_argument("--user", metavar="U", help="show events recorded with this user")
        parser.add_argument(
            "--search",
            type=whole_number(1),
            default=DEFAULT_SEARCH,
            metavar="N",
            help="look for a user in so many ids at most, as there is no index of users; so it is "
            f"with correlations where there is none of these (default: {DEFAULT_SEARCH:,})",
        )
        order = parser.add_mutually_exclusive_group()
        order.add_argument("--newest", action="store_true", help="show the newest first")
        order.add_argument(
            "--follow",
            action="store_true",
            help="show what comes, until Ctrl-C; without --after, nothing that is there already",
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="print JSON, in a line; with --follow, a line for each event",
        )

    def work(self, options: dict[str, Any]) -> None:
        _, application = self.find_application(options["application"])
        chosen = {
            "topics": [t for topic in options["topic"] for t in _topics(topic, application.name)],
            "originator_id": _originator_id(application, options["aggregate"]),
            "recorded_with": _recorded_with(options),
        }
        if options["follow"]:
            with ended_by_signals():
                self._follow(application, options, chosen)
            return
        limit = DEFAULT_LIMIT if options["limit"] is None else options["limit"]
        after, newest = options["after"] or 0, options["newest"]
        span = None
        if _is_searched(application, options):
            span = span_of(application, after=after, size=options["search"], newest=newest)
            chosen |= {"until": span.until}
            after = span.after
        events = read_log(application, after=after, limit=limit, newest=newest, **chosen)
        if options["json"]:
            searched = {"searched": span} if span else {}
            self.write(envelope("es_events", {"events": list(events), **searched}))
        elif self._show(events) < limit and span and not span.is_all:
            self.stderr.write(_part(span, newest=newest))

    def _follow(
        self, application: Application, options: dict[str, Any], chosen: dict[str, Any]
    ) -> None:
        after = options["after"]
        if after is None:
            after = last_id(application)
        events = islice(follow_log(application, after=after, **chosen), options["limit"])
        if not options["json"]:
            self._show(events)
            return
        for event in events:
            self.write(envelope("es_events", event))

    def _show(self, events: Iterator[LoggedEvent]) -> int:
        count = 0
        for event in events:
            self.write(event_line(event))
            count += 1
        return count


def event_line(event: LoggedEvent) -> str:
    """Return an event in one line."""
    what = (
        f"cannot be read: {event.error}"
        if event.values is None
        else json.dumps(event.values, ensure_ascii=False)
    )
    return "  ".join(
        [
            f"{event.id:>8}",
            utc_text(event.recorded_at) if event.recorded_at else "-",
            str(event.originator_id),
            f"v{event.originator_version}",
            event.name,
            what,
            *_metadata(event),
        ]
    )


def _metadata(event: LoggedEvent) -> list[str]:
    """Return what the metadata says of the correlation, the causation and the user."""
    values = {label: (event.metadata or {}).get(key) for key, label in _LABELS.items()}
    shown = [
        f"{label}={value if re.fullmatch(_PLAIN, str(value)) else json.dumps(value)}"
        for label, value in values.items()
        if value is not None
    ]
    return [" ".join(shown)] if shown else []


def _recorded_with(options: dict[str, Any]) -> dict[str, str]:
    given = {"correlation_id": options["correlation"], "user": options["user"]}
    return {key: value for key, value in given.items() if value is not None}


def _is_searched(application: Application, options: dict[str, Any]) -> bool:
    """Tell whether no index leads to the events that are asked for."""
    if options["aggregate"] is not None:
        return False
    if options["correlation"] is not None:
        return not has_correlation_index(application)
    return options["user"] is not None


def _part(span: Span, *, newest: bool) -> str:
    on = "Give --search a larger number" + ("." if newest else f", or go on: --after {span.until}.")
    return f"Searched the ids {span.after + 1} to {span.until} of {span.last} only. {on}"


def _topics(text: str, application: str) -> list[str]:
    """Return the topics of the classes that are meant; a topic need not be that of a class."""
    found = topics_named(text)
    if not found:
        names = {each.topic.rpartition(":")[2] for each in event_classes()}
        raise CommandError(
            f"--topic {text}: there is no class of events of this name.  "
            f"HINT: {_suggestion(text, names, application)}",
            returncode=USAGE,
        )
    return found


def _suggestion(text: str, names: Collection[str], application: str) -> str:
    """Return a hint that names the classes most like the text, a few at most."""
    # Whoever leaves out the class of the aggregate may have the rest nearly right.
    known: dict[str, list[str]] = {}
    for name in sorted(names):
        for form in {name.lower(), name.rpartition(".")[2].lower()}:
            known.setdefault(form, []).append(name)
    close = get_close_matches(text.lower(), known, n=2 * MOST_SUGGESTIONS, cutoff=0.6)
    found = list(dict.fromkeys(name for each in close for name in known[each]))
    if not found:
        return f"Give the name of a class as 'manage.py es_events {application}' shows it."
    return f"Did you mean {' or '.join(map(repr, found[:MOST_SUGGESTIONS]))}?"


def _originator_id(application: Application, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return known_id(application, text)
    except ValueError as error:
        raise CommandError(
            f"--aggregate {text}: {error}  HINT: Give the id as 'es_events {application.name}' "
            f"shows it.",
            returncode=USAGE,
        ) from error
