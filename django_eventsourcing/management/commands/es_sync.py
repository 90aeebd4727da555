"""``manage.py es_sync``: make a follower synchronous, or asynchronous again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from django_eventsourcing.management.arguments import add_drain_timeout, add_json, seconds
from django_eventsourcing.management.base import USAGE, SystemCommand
from django_eventsourcing.synchronous import Switching, SwitchingResult

__all__ = ["Command"]


class Command(SystemCommand):
    help = (
        "Let a follower process in the transactions that record events, as SYNC in the settings "
        "says, or let workers process them again. It is caught up first; those who record wait "
        "for a moment, and nothing is passed by. Exit codes: 0 ok, 1 failure, 2 usage, "
        "5 drain timeout."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("follower", metavar="FOLLOWER", help="its name")
        parser.add_argument(
            "--off", action="store_true", help="let 'run_system' process what is recorded again"
        )
        add_drain_timeout(parser)
        parser.add_argument(
            "--lock-timeout",
            type=seconds,
            default=30.0,
            metavar="SECONDS",
            help="time for transactions that have recorded events to end (default: 30)",
        )
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        name = options["follower"]
        system = self.find_whole_follower(name, None)
        if not options["off"] and not system.config.application(name).sync:
            raise CommandError(
                f"{name} is not set to be synchronous: processes would record events that it does "
                f"not process.  HINT: Set SYNC to True in EVENTSOURCING[{system.alias!r}]"
                f"['APPLICATIONS'][{name!r}], start all processes again, and run this then.",
                returncode=USAGE,
            )
        switching = Switching(
            system,
            name,
            write=(lambda _: None) if options["json"] else self.write,
            drain_timeout=options["drain_timeout"],
            lock_timeout=options["lock_timeout"],
        )
        result = switching.make_asynchronous() if options["off"] else switching.make_synchronous()
        self.write_result(result, _lines(result), as_json=options["json"])


def _lines(result: SwitchingResult) -> list[str]:
    now = "synchronous" if result.is_synchronous else "asynchronous"
    if not result.positions:
        return [f"{result.follower} is {now}: nothing is changed"]
    return [
        f"{result.follower} is {now} after {upstream} {position:,}"
        for upstream, position in result.positions.items()
    ]
