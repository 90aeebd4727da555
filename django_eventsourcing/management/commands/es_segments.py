"""``manage.py es_segments``: split a follower as the settings say, or join its segments again."""

from argparse import ArgumentParser
from typing import Any

from django_eventsourcing.management.arguments import add_drain_timeout, add_json
from django_eventsourcing.management.base import SystemCommand
from django_eventsourcing.splitting import Splitting, SplittingResult

__all__ = ["Command"]


class Command(SystemCommand):
    help = (
        "Bring the positions of a follower to the number of SEGMENTS that the settings say. Its "
        "old segments are paused, brought to one position, and replaced at once; it may be run "
        "while the system does, and run again if it was ended. Exit codes: 0 ok, 1 failure, "
        "2 usage, 5 drain timeout."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("follower", metavar="FOLLOWER", help="its name")
        add_drain_timeout(parser)
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        name = options["follower"]
        system = self.find_whole_follower(name, None)
        splitting = Splitting(
            system,
            name,
            write=(lambda _: None) if options["json"] else self.write,
            drain_timeout=options["drain_timeout"],
        )
        result = splitting.run()
        self.write_result(result, _lines(result), as_json=options["json"])


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
