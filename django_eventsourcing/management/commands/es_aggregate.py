"""``manage.py es_aggregate``: an aggregate as it is, as it was, and what an event changed."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from django_eventsourcing.event_log import known_id
from django_eventsourcing.management.arguments import add_json, whole_number
from django_eventsourcing.management.base import FAILURE, USAGE, SystemCommand
from django_eventsourcing.management.commands.es_events import event_line
from django_eventsourcing.stream_tests import StreamTestError, stream_test
from django_eventsourcing.streams import Change, Step, last_version, read_steps, step_at, version_at
from django_eventsourcing.times import utc_text
from eventsourcing.application import Application

__all__ = ["Command"]


class Command(SystemCommand):
    help = (
        "Show an aggregate as its events make it: at its last version, at an earlier one or at a "
        "time; or what the event of that version changed. Exit codes: 0 ok, 1 failure, 2 usage."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Every command of Django's has a --version, which tells that of Django.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("application", help="its name")
        parser.add_argument("aggregate", metavar="ID", help="the aggregate's id")
        when = parser.add_mutually_exclusive_group()
        when.add_argument(
            "--version", type=whole_number(0), metavar="N", help="show it at this version"
        )
        when.add_argument(
            "--at",
            type=_time,
            metavar="TIME",
            help="show it as it was at this time, in UTC, such as 2026-01-31 or "
            "'2026-01-31 12:00:00': what had been recorded until then",
        )
        parser.add_argument(
            "--diff", action="store_true", help="show what the event of that version changed"
        )
        parser.add_argument(
            "--pytest",
            action="store_true",
            help="print its events up to that version as the file of a pytest test",
        )
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        _, application = self.find_application(options["application"])
        id_ = _id_of(application, options["aggregate"])
        last = last_version(application, id_)
        if last is None:
            raise CommandError(
                f"{application.name} has no aggregate {id_}.  HINT: Give the id as 'manage.py "
                f"es_events {application.name}' shows it.",
                returncode=FAILURE,
            )
        version = self._version(application, id_, last, options)
        step = step_at(application, id_, version)
        if step is None:
            raise CommandError(
                f"{id_} has no version {version}; its last is {last}.  HINT: 'manage.py es_events "
                f"{application.name} --aggregate {id_}' shows its versions.",
                returncode=FAILURE,
            )
        if options["pytest"]:
            self._write_test(application, id_, version, options)
            return
        result = {"version": version, "last_version": last, **vars(step)}
        head = f"{id_} of {application.name} at version {version} of {last}"
        lines = _lines(head, step, is_diff=options["diff"])
        self.write_result(result, lines, as_json=options["json"])
        if step.error:
            raise CommandError(
                f"{id_} cannot be made again: {step.error}  HINT: 'manage.py es_verify --only "
                "aggregates' looks for what else is wrong.",
                returncode=FAILURE,
            )

    def _write_test(
        self, application: Application, id_: UUID | str, version: int, options: dict[str, Any]
    ) -> None:
        if options["json"] or options["diff"]:
            raise CommandError(
                "--pytest prints a file, and goes with neither --json nor --diff.  HINT: Leave "
                "out the other option.",
                returncode=USAGE,
            )
        try:
            text = stream_test(application, id_, version)
        except StreamTestError as error:
            raise CommandError(
                f"{error}  HINT: 'manage.py es_verify --only aggregates' looks for what is wrong.",
                returncode=FAILURE,
            ) from error
        self.write(text.removesuffix("\n"))

    def _version(
        self, application: Application, id_: UUID | str, last: int, options: dict[str, Any]
    ) -> int:
        if options["version"] is not None:
            return int(options["version"])
        if options["at"] is None:
            return last
        try:
            version = version_at(application, id_, options["at"])
        except ValueError as error:
            raise CommandError(f"{error}  HINT: Give --version.", returncode=USAGE) from error
        if version is None:
            [first] = read_steps(application, id_)
            begun = first.event.recorded_at
            raise CommandError(
                f"{id_} had no events at {utc_text(options['at'])} UTC.  HINT: Its first was "
                f"recorded at {utc_text(begun) if begun else 'an unknown time'} UTC.",
                returncode=FAILURE,
            )
        return version


def _lines(head: str, step: Step, *, is_diff: bool) -> Iterator[str]:
    yield f"{head}: {step.class_name}" if step.class_name else head
    yield event_line(step.event)
    if is_diff:
        for change in step.changes:
            yield from _change_lines(change)
    elif step.state is not None:
        for name, value in step.state.items():
            yield f"  {name}: {_text(value)}"
    elif not step.error:
        yield "  nothing is left of it: it has been discarded"


def _change_lines(change: Change) -> Iterator[str]:
    if change.kind != "added":
        yield f"- {change.name}: {_text(change.before)}"
    if change.kind != "removed":
        yield f"+ {change.name}: {_text(change.after)}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _id_of(application: Application, text: str) -> UUID | str:
    try:
        return known_id(application, text)
    except ValueError as error:
        raise CommandError(
            f"{text}: {error}  HINT: Give the id as 'manage.py es_events {application.name}' "
            "shows it.",
            returncode=USAGE,
        ) from error


def _time(text: str) -> datetime:
    try:
        date = parse_date(text)
        found = datetime.combine(date, time.min) if date else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError(
            f"{text!r} is not a time such as 2026-01-31 or '2026-01-31 12:00:00'"
        )
    return found if found.tzinfo else found.replace(tzinfo=UTC)
