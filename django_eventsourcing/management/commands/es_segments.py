"""``manage.py es_segments``: split a follower as the settings say, or join its segments again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from django_eventsourcing.management.arguments import seconds
from django_eventsourcing.management.base import FAILURE, USAGE, SystemCommand
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.splitting import (
    DrainTimeoutError,
    SplitError,
    Splitting,
    SplittingResult,
)

__all__ = ["Command"]

DRAIN_TIMEOUT = 5


class Command(SystemCommand):
    help = (
        "Bring the positions of a follower to the number of SEGMENTS that the settings say. Its "
        "old segments are paused, brought to one position, and replaced at once; it may be run "
        "while the system does, and run again if it was ended. Exit codes: 0 ok, 1 failure, "
        "2 usage, 5 drain timeout."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("follower", metavar="FOLLOWER", help="its name")
        parser.add_argument(
            "--drain-timeout",
            type=seconds,
            default=30.0,
            metavar="SECONDS",
            help="time for workers to finish the batch in hand (default: 30)",
        )
        parser.add_argument("--json", action="store_true", help="print JSON, in a line")

    def work(self, options: dict[str, Any]) -> None:
        name = options["follower"]
        [*_, system] = self.find_persisted_runs(name).values()
        if name not in system.system.followers:
            raise CommandError(
                f"{name} is a segment.  HINT: Name the follower: {system.application_of(name)}.",
                returncode=USAGE,
            )
        splitting = Splitting(
            system,
            name,
            write=(lambda _: None) if options["json"] else self.write,
            drain_timeout=options["drain_timeout"],
        )
        try:
            result = splitting.run()
        except DrainTimeoutError as error:
            raise CommandError(str(error), returncode=DRAIN_TIMEOUT) from error
        except SplitError as error:
            raise CommandError(str(error), returncode=FAILURE) from error
        if options["json"]:
            self.write(envelope("es_segments", result))
        else:
            for line in _lines(result):
                self.write(line)


def _lines(result: SplittingResult) -> list[str]:
    now = "1 segment" if result.segments == 1 else f"{result.segments} segments"
    if not result.before:
        return [f"{result.follower} has {now}, as the settings say: nothing is changed"]
    lines = [
        f"{result.follower} has {now} instead of {before}, from {upstream} "
        f"{result.positions[upstream]:,} on"
        for upstream, before in result.before.items()
    ]
    if result.letters:
        lines.append(f"{result.letters:,} of its dead letters go by other segments now")
    return lines
