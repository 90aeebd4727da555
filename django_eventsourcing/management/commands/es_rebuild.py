"""``manage.py es_rebuild``: make the rows of projections again from events."""

import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.management.base import CommandError

from django_eventsourcing.errors import OperationError
from django_eventsourcing.management.arguments import add_drain_timeout, whole_number
from django_eventsourcing.management.base import FAILURE, USAGE, SystemCommand
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.management.signals import StopSignals
from django_eventsourcing.management.who import os_user
from django_eventsourcing.problems import one_line
from django_eventsourcing.progress import format_duration, format_rate
from django_eventsourcing.rebuilding import (
    InPlaceRebuild,
    Rebuild,
    RebuildHeldError,
    RebuildPlan,
    RebuildResult,
    RebuildStoppedError,
    Requests,
    ShadowRebuild,
)
from django_eventsourcing.rebuilding.records import in_words
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.outages import is_outage
from eventsourcing.persistence import PersistenceError

__all__ = ["Command"]

POLICY_STOPPED = 3


class Command(SystemCommand):
    help = (
        "Make the rows of model projections again from the events, in place or in a second set of "
        "tables. It may be run while the system does, and run again if it was ended: it goes on. "
        "Exit codes: 0 ok, 1 failure, 2 usage, 3 a projection has failed at a notification, "
        "5 drain timeout."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("followers", nargs="+", metavar="FOLLOWER", help="its name")
        parser.add_argument(
            "--system", metavar="ALIAS", help="look for them in this system (default: in all)"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be done, and end"
        )
        parser.add_argument("--noinput", action="store_true", help="do not ask whether to begin")
        parser.add_argument(
            "--shadow",
            action="store_true",
            help="fill a second set of tables while the first one serves, then swap them",
        )
        parser.add_argument(
            "--anew", action="store_true", help="begin anew, rather than go on, where one was ended"
        )
        parser.add_argument(
            "--repeat-effects",
            action="store_true",
            help="also a follower that is no model projection and has recorded no events: what its "
            "policy does besides writing models is done again",
        )
        parser.add_argument(
            "--batch-size",
            type=whole_number(1),
            metavar="N",
            help="process so many notifications in one transaction, at most",
        )
        add_drain_timeout(parser)
        parser.add_argument(
            "--json", action="store_true", help="print JSON, in a line; with --noinput or --dry-run"
        )
        # For the processes that run_system starts, as the request on record says.
        parser.add_argument("--requested", action="store_true", help=SUPPRESS)

    def work(self, options: dict[str, Any]) -> None:
        is_asking = not (options["noinput"] or options["dry_run"])
        if is_asking and (options["json"] or not sys.stdin.isatty()):
            raise CommandError(
                "Nobody can be asked whether to begin.  HINT: Say so by --noinput, or look at the "
                "plan by --dry-run.",
                returncode=USAGE,
            )
        names = list(dict.fromkeys(options["followers"]))
        found = {name: self.find_whole_follower(name, options["system"]) for name in names}
        with StopSignals() as signals:
            options["is_stopping"] = lambda: bool(signals.received)
            try:
                with self._telling_requests(found, options):
                    rebuilds = [self._rebuild(each, name, options) for name, each in found.items()]
                    self._work(rebuilds, options, is_asking=is_asking)
            except RebuildStoppedError as error:
                raise CommandError(str(error), returncode=POLICY_STOPPED) from error

    @contextmanager
    def _telling_requests(
        self, found: dict[str, ConfiguredSystem], options: dict[str, Any]
    ) -> Iterator[None]:
        """Put on record why what is requested cannot be done, unless it may be done later."""
        options["by"] = os_user()
        if not options["requested"]:
            yield
            return
        [(name, system)] = found.items()
        requests = Requests(system.database_of(name))
        request = requests.find(name)
        if request is None:
            # It has been done, or was withdrawn, since this process was started.
            found.clear()
            yield
            return
        options["by"] = request.requested_by
        try:
            yield
        except (RebuildHeldError, BrokenPipeError):
            # Another process is at it; or the one that has started this one is gone.
            raise
        except Exception as error:
            if not options["is_stopping"]() and not is_outage(error):
                with suppress(PersistenceError):
                    is_plain = isinstance(error, OperationError)
                    requests.fail(request, str(error) if is_plain else one_line(error))
            raise

    def _work(self, rebuilds: list[Rebuild], options: dict[str, Any], *, is_asking: bool) -> None:
        for rebuild in [] if options["dry_run"] else rebuilds:
            rebuild.require_possible()
            rebuild.require_ready()
        plans = [rebuild.plan() for rebuild in rebuilds]
        if not options["json"]:
            for line in (line for plan in plans for line in plan.lines()):
                self.write(line)
        results: list[RebuildResult] = []
        if not options["dry_run"]:
            if is_asking and not self._is_agreed([plan.follower for plan in plans]):
                raise CommandError("Nothing is rebuilt.", returncode=FAILURE)
            for rebuild in rebuilds:
                results.append(rebuild.run())
                if not options["json"]:
                    self.write(_line(results[-1]))
        if options["json"]:
            data = {"plans": [_data(plan) for plan in plans], "rebuilt": results}
            self.write(envelope("es_rebuild", data))

    def _rebuild(self, system: ConfiguredSystem, name: str, options: dict[str, Any]) -> Rebuild:
        rebuild_class = ShadowRebuild if options["shadow"] else InPlaceRebuild
        return rebuild_class(
            system,
            name,
            write=(lambda _: None) if options["json"] else self.write,
            by=options["by"],
            is_anew=options["anew"],
            repeats_effects=options["repeat_effects"],
            batch_size=options["batch_size"],
            drain_timeout=options["drain_timeout"],
            is_stopping=options["is_stopping"],
        )

    def _is_agreed(self, names: list[str]) -> bool:
        return input(f"Type 'yes' to rebuild {', '.join(names)}: ").strip() == "yes"


def _line(result: RebuildResult) -> str:
    line = f"{result.follower} is rebuilt {in_words(result.kind)}, as of version {result.version}"
    if not result.events:
        return line
    number = f"{result.events:,} event{'' if result.events == 1 else 's'}"
    rate = format_rate(result.events / result.seconds) if result.seconds else "at once"
    return f"{line}: {number} in {format_duration(result.seconds)}, {rate}"


def _data(plan: RebuildPlan) -> dict[str, Any]:
    return {
        "follower": plan.follower,
        "kind": plan.kind,
        "version": plan.version,
        "goes_on": plan.goes_on,
        "rows": plan.rows,
        "events": plan.events,
        "rate": plan.rate,
        "seconds": plan.seconds,
    }
