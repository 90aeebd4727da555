"""``manage.py es_trace``: what came of one request, in all applications, as a tree."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from django_eventsourcing.management.arguments import add_json
from django_eventsourcing.management.base import FAILURE, SystemCommand
from django_eventsourcing.times import utc_text
from django_eventsourcing.tracing import (
    LIMIT,
    MISSING,
    ROUND,
    WINDOW,
    Trace,
    TraceNode,
    read_trace,
    traced_logs,
)

__all__ = ["Command"]

_CAUSES = {
    MISSING: "its cause is {}, which is not here",
    ROUND: "its cause is {}, which follows from it",
}


class Command(SystemCommand):
    help = (
        "Show the trace of a correlation id, or of an event: all that came of the same request, in "
        "all applications, each event below the one that caused it. Exit codes: 0 ok, 1 failure, "
        "2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "trace", metavar="CORRELATION", help="a correlation id, or an event: DogSchool:4711"
        )
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        trace = read_trace(options["trace"], traced_logs())
        if not trace.events:
            raise CommandError(
                f"No event has been recorded with the correlation id {options['trace']!r}."
                f"{_part(trace)}  HINT: Give a correlation id as 'manage.py es_events' shows it, "
                "or an event by its application and id, such as DogSchool:4711.",
                returncode=FAILURE,
            )
        self.write_result(trace, _lines(trace), as_json=options["json"])
        if not options["json"]:
            if trace.is_cut:
                self.stderr.write(f"There are more events; the first {LIMIT:,} are shown.")
            if trace.unindexed:
                self.stderr.write(_part(trace).strip())


def _lines(trace: Trace) -> Iterator[str]:
    count = len(trace.events)
    last = max(node.elapsed for node in trace.events).total_seconds()
    events = "1 event" if count == 1 else f"{count:,} events"
    yield f"{trace.correlation_id}: {events} in {last:.3f} s"
    for node in trace.events:
        yield f"{'  ' * node.depth}{_line(node)}"


def _line(node: TraceNode) -> str:
    event = node.event
    parts = [
        event.reference,
        utc_text(event.recorded_at),
        f"+{node.elapsed.total_seconds():.3f} s",
        str(event.originator_id),
        f"v{event.originator_version}",
        event.name,
    ]
    if node.cause:
        parts.append(_CAUSES[node.cause].format(event.causation_id))
    return "  ".join(parts)


def _part(trace: Trace) -> str:
    """Return in which part of which logs alone was searched; empty if in all of all."""
    if not trace.unindexed:
        return ""
    return (
        f" Of {', '.join(trace.unindexed)}, the newest {WINDOW:,} ids alone have been searched: "
        "there is no index of correlation ids (W010)."
    )
