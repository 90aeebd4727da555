"""The options of ``run_system``: what they are, and how they are handed on to other processes."""

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from typing import Any

from django_eventsourcing.management.arguments import seconds, seconds_or_none, whole_number
from django_eventsourcing.runners.leases import LONGEST_NAME

__all__ = ["add_arguments", "child_arguments"]

MAX_WAIT = 30.0
"""Seconds for which a database server is waited for at the start, unless told otherwise."""

_PASSED_ON = (
    "only",
    "exclude",
    "poll_interval",
    "batch_size",
    "drain_timeout",
    "threads",
    "log_format",
    "max_wait",
    "settings",
    "pythonpath",
    "verbosity",
)
_SWITCHES = ("once", "no_listen", "traceback", "no_color", "force_color")


def add_arguments(parser: ArgumentParser) -> None:
    """Add what ``run_system`` takes."""
    _add_choice(parser)
    _add_pace(parser)
    _add_workers(parser)
    _add_life(parser)


def child_arguments(options: Mapping[str, Any], *, number: int | None, parent: int) -> list[str]:
    """Return the arguments of a process that does the work of this one, or a part of it."""
    arguments = ["run_system", options["alias"], f"--parent={parent}"]
    for name in _PASSED_ON:
        value = options.get(name)
        values = value if isinstance(value, list) else [] if value is None else [value]
        arguments += [f"--{name.replace('_', '-')}={each}" for each in values]
    arguments += [f"--{name.replace('_', '-')}" for name in _SWITCHES if options.get(name)]
    arguments.append("--reload" if options["reload"] else "--noreload")
    if options["worker_name"]:
        suffix = "" if number is None else f"-{number}"
        name = options["worker_name"][: LONGEST_NAME - len(suffix)]
        arguments.append(f"--worker-name={name}{suffix}")
    return arguments


def _add_choice(parser: ArgumentParser) -> None:
    parser.add_argument(
        "alias", nargs="?", default="default", help="a key of EVENTSOURCING (default: default)"
    )
    parser.add_argument(
        "--only", action="append", metavar="FOLLOWER", help="run this follower (repeatable)"
    )
    parser.add_argument(
        "--exclude", action="append", metavar="FOLLOWER", help="leave it out (repeatable)"
    )
    parser.add_argument(
        "--once", action="store_true", help="catch up through all pipelines, then exit"
    )


def _add_pace(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--poll-interval",
        type=seconds,
        metavar="SECONDS",
        help="time between looks for events of other processes",
    )
    parser.add_argument(
        "--no-listen",
        action="store_true",
        help="find them by looking alone, not by LISTEN",
    )
    parser.add_argument(
        "--batch-size",
        type=whole_number(1),
        metavar="N",
        help="notifications in one transaction, at most",
    )


def _add_workers(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--processes",
        type=whole_number(1),
        metavar="N",
        help="run as many processes, which share the followers (default: 1)",
    )
    parser.add_argument(
        "--threads",
        type=whole_number(1),
        metavar="N",
        help="followers of a process that process at once (default: all)",
    )
    parser.add_argument(
        "--worker-name",
        type=_name,
        default="",
        metavar="NAME",
        help="what operators know the worker by",
    )
    # For the processes that this command starts itself.
    parser.add_argument("--parent", type=int, help=SUPPRESS)


def _add_life(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="lines for people, or JSON objects (default: text)",
    )
    parser.add_argument(
        "--max-wait",
        type=seconds_or_none,
        metavar="SECONDS",
        help=(
            "time to wait for a database server at the start "
            f"(default: {MAX_WAIT:g}; 0 with --once)"
        ),
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        default=None,
        help="start anew when code changes (default: with DEBUG, unless --once)",
    )
    parser.add_argument("--noreload", action="store_false", dest="reload", help="do not")
    parser.add_argument(
        "--drain-timeout",
        type=seconds,
        default=30.0,
        metavar="SECONDS",
        help="time for followers to finish when stopping (default: 30)",
    )


def _name(text: str) -> str:
    if len(text) > LONGEST_NAME:
        raise ArgumentTypeError(f"a name of {len(text)} characters; {LONGEST_NAME} at most")
    return text
