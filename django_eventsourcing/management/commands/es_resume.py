"""``manage.py es_resume``: let followers go on that were paused, or that stopped at a failure."""

from argparse import ArgumentParser
from typing import Any

from django_eventsourcing.management.arguments import add_json
from django_eventsourcing.management.base import SystemCommand
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.management.prospects import prospect_of
from django_eventsourcing.operating import resume

__all__ = ["Command"]


class Command(SystemCommand):
    help = (
        "Let followers go on that were paused; those that have stopped at a failure try again at "
        "once. Exit codes: 0 ok, 1 failure, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("followers", nargs="+", metavar="FOLLOWER", help="its name")
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        names = list(dict.fromkeys(options["followers"]))
        # All are looked for before one is changed.
        owners = {
            run: system for name in names for run, system in self.find_persisted_runs(name).items()
        }
        waiting = []
        for name, system in owners.items():
            resume(system, name)
            prospect = prospect_of(system, name)
            if prospect.waits_for:
                waiting.append(name)
            if not options["json"]:
                how = "is resumed, and goes" if prospect.waits_for else "goes"
                self.write(f"{name} {how} on{prospect.words}")
        if options["json"]:
            data = {"resumed": list(owners), "waiting": waiting}
            self.write(envelope("es_resume", data))
