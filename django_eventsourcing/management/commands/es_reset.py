"""``manage.py es_reset``: set the position of a follower in a log."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from django_eventsourcing.management.arguments import add_json, whole_number
from django_eventsourcing.management.base import FAILURE, USAGE, SystemCommand
from django_eventsourcing.management.who import os_user
from django_eventsourcing.resetting import Reset, ResetPlan

__all__ = ["Command"]


class Command(SystemCommand):
    help = (
        "Set the position of a follower in a log: what comes after it is processed again, with all "
        "its effects, or what comes before is never processed. For followers that cannot be "
        "rebuilt; it may be run while the system does. Exit codes: 0 ok, 1 failure, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("follower", metavar="FOLLOWER", help="its name")
        parser.add_argument("upstream", metavar="UPSTREAM", help="the application whose log it is")
        parser.add_argument(
            "--to",
            type=whole_number(0),
            required=True,
            metavar="ID",
            help="the notification after which it goes on; 0 for the beginning",
        )
        parser.add_argument("--reason", required=True, metavar="TEXT", help="why: it is logged")
        parser.add_argument(
            "--record-again",
            action="store_true",
            help="also a follower that has recorded events, which its policy may record twice",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show what that would mean, and end"
        )
        parser.add_argument("--noinput", action="store_true", help="do not ask for the name")
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        name = options["follower"]
        is_asking = not (options["noinput"] or options["dry_run"])
        if is_asking and (options["json"] or not sys.stdin.isatty()):
            raise CommandError(
                "Nobody can be asked whether to go on.  HINT: Say so by --noinput, or look at what "
                "it means by --dry-run.",
                returncode=USAGE,
            )
        system = self.find_whole_follower(name, None)
        reset = Reset(
            system,
            name,
            options["upstream"],
            options["to"],
            records_again=options["record_again"],
        )
        plan = reset.plan()
        if not options["json"]:
            for line in _lines(plan):
                self.write(line)
        if not options["dry_run"]:
            if is_asking and input(f"Type '{name}' to go on: ").strip() != name:
                raise CommandError("Nothing is reset.", returncode=FAILURE)
            reset.run(reason=options["reason"], by=os_user())
        result = {"plan": plan, "reset": not options["dry_run"], "reason": options["reason"]}
        done = (
            [] if options["dry_run"] else [f"{name} goes on after {plan.upstream_name} {plan.to}"]
        )
        self.write_result(result, done, as_json=options["json"])


def _lines(plan: ResetPlan) -> Iterator[str]:
    many = f"{plan.events:,} event{'' if plan.events == 1 else 's'}"
    more = "more than " if plan.is_more else ""
    where = (
        f"{plan.follower} is at {plan.before:,} of {plan.upstream_name}, and is set to {plan.to:,}"
    )
    if plan.goes_back:
        yield f"{where}: {more}{many} processed again, with all effects"
        yield "  What was skipped or discarded of these is processed, too."
    elif plan.leaves_out:
        yield f"{where}: {more}{many} left out, and never processed"
    else:
        yield f"{where}: nothing is changed"
    if plan.records_again:
        yield "  It has recorded events of its own, which its policy may record once more."
