"""Arguments: what commands read from the command line, and refuse, in the same words."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable

from django_eventsourcing.conf import LONGEST_WAIT

__all__ = ["add_drain_timeout", "add_json", "seconds", "seconds_or_none", "whole_number"]


def add_drain_timeout(parser: ArgumentParser) -> None:
    """Add the argument of commands that wait until workers leave a follower."""
    parser.add_argument(
        "--drain-timeout",
        type=seconds,
        default=30.0,
        metavar="SECONDS",
        help="time for workers to finish the batch in hand (default: 30)",
    )


def add_json(parser: ArgumentParser) -> None:
    """Add the argument of commands that print an envelope rather than lines."""
    parser.add_argument("--json", action="store_true", help="print JSON, in a line")


def seconds(text: str) -> float:
    """Read a number of seconds, above 0."""
    number = _number(text)
    if not 0 < number <= LONGEST_WAIT:
        raise ArgumentTypeError(
            f"{text!r} is not a number of seconds above 0, up to {LONGEST_WAIT}"
        )
    return number


def seconds_or_none(text: str) -> float:
    """Read a number of seconds, which may be 0."""
    number = _number(text)
    if not 0 <= number <= LONGEST_WAIT:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {LONGEST_WAIT}")
    return number


def whole_number(least: int) -> Callable[[str], int]:
    """Return what reads a whole number of ``least`` or more."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {least}")
        return int(text)

    return read


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1
