"""``manage.py es_retry``: process what a follower has parked, or let it try again at once."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from django_eventsourcing.dead_letters import (
    DeadLetterError,
    DryRun,
    NotParkedError,
    Retried,
    count_parked,
    dry_run,
    next_notification,
    retry,
)
from django_eventsourcing.dead_letters.letters import follower_of, parked, recorder_of
from django_eventsourcing.management.arguments import add_json, whole_number
from django_eventsourcing.management.base import SystemCommand
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.management.prospects import Prospect, prospect_of, record_of
from django_eventsourcing.management.who import os_user
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.operating import request_retry
from django_eventsourcing.registry import ConfiguredSystem

__all__ = ["Command"]

STILL_PARKED = 3


class Command(SystemCommand):
    help = (
        "Process what a follower has parked, in the order of each aggregate; where nothing is "
        "parked, let a follower that has stopped try again at once. It may be run while the system "
        "does. Exit codes: 0 ok, 1 failure, 2 usage, 3 something is parked as before, or, of a "
        "dry run, would be."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("follower", metavar="FOLLOWER", help="its name")
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--notification", type=whole_number(0), metavar="ID", help="only this notification"
        )
        which.add_argument(
            "--aggregate", metavar="ID", help="only the notifications of this aggregate"
        )
        which.add_argument(
            "--all", action="store_true", help="all that is parked, as without any of these"
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="show what processing the first of them would do, and roll it back",
        )
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        name = options["follower"]
        system = self.find_persisted_follower(name)
        if options["dry_run"]:
            self._show(system, name, options)
        else:
            self._retry(system, name, options)

    def _retry(self, system: ConfiguredSystem, name: str, options: dict[str, Any]) -> None:
        tries: list[Retried] = []
        for tried in retry(
            system,
            name,
            notification_id=options["notification"],
            originator_id=options["aggregate"],
            by=os_user(),
        ):
            tries.append(tried)
            if not options["json"]:
                self._write_try(tried)
        is_named = options["notification"] is not None or options["aggregate"] is not None
        asked = not is_named and self._ask(system, name)
        prospect = prospect_of(system, name) if asked else Prospect()
        left = count_parked(system, [name]).get(name, 0)
        if options["json"]:
            data = {"follower": name, "tried": tries, "parked": left, "retry_requested": asked}
            self.write(envelope("es_retry", {**data, "waits_for": prospect.waits_for}))
        elif asked:
            how = "tries again" if prospect.waits_for else "is to try again at once"
            self.write(f"{name} {how} what it has stopped at{prospect.words}")
        elif not tries:
            self.write(f"{name} has nothing parked, and has not stopped")
        if is_named:
            left = sum(1 for tried in tries if tried.error)
        if left:
            raise CommandError(
                f"{name} has {left:,} notification{'' if left == 1 else 's'} parked as before.  "
                f"HINT: See 'manage.py es_deadletters {name}' for why.",
                returncode=STILL_PARKED,
            )

    def _ask(self, system: ConfiguredSystem, name: str) -> bool:
        """Ask a follower that has failed to try again; return whether it had."""
        record = record_of(system, name)
        if record is None or record.failed_at is None or _is_past(system, record):
            return False
        request_retry(system, name)
        return True

    def _write_try(self, tried: Retried) -> None:
        which = f"{tried.upstream_name} {tried.notification_id} ({tried.topic})"
        self.write(
            f"{which} failed again: {tried.error}" if tried.error else f"{which} is processed"
        )

    def _show(self, system: ConfiguredSystem, name: str, options: dict[str, Any]) -> None:
        upstream_name, notification_id = _first(system, name, options)
        run = dry_run(system, name, upstream_name, notification_id)
        result = {"follower": name, "dry_run": run}
        self.write_result(result, _lines(run), as_json=options["json"])
        if run.error:
            raise CommandError(
                f"It would fail: {run.error}  HINT: Mend the cause, and try again.",
                returncode=STILL_PARKED,
            )


def _is_past(system: ConfiguredSystem, record: FollowerRecord) -> bool:
    """Tell whether what has failed has been processed since, and is on record yet."""
    if record.notification_id is None:
        return False
    recorder = recorder_of(follower_of(system, record.application_name))
    return (recorder.max_tracking_id(record.upstream_name) or 0) >= record.notification_id


def _first(system: ConfiguredSystem, name: str, options: dict[str, Any]) -> tuple[str, int]:
    """Return upstream and id of the notification that would be processed first."""
    letters = parked(system, name)
    if options["notification"] is not None:
        letters = letters.filter(notification_id=options["notification"])
    if options["aggregate"] is not None:
        letters = letters.filter(originator_id=options["aggregate"])
    letter = letters.first()
    if letter is not None:
        return letter.upstream_name, letter.notification_id
    for upstream_name in system.upstreams_of(name):
        found = next_notification(system, name, upstream_name)
        wanted = options["notification"]
        if found and options["aggregate"] is None and wanted in (None, found.id):
            return upstream_name, found.id
    if options["notification"] is not None or options["aggregate"] is not None:
        raise NotParkedError(
            f"{name} has no such notification parked, nor is it the next one.",
            f"See 'manage.py es_deadletters {name}'.",
        )
    raise DeadLetterError(
        f"{name} has nothing parked, and nothing left to process.", "There is nothing to try."
    )


def _lines(run: DryRun) -> list[str]:
    lines = [f"{run.upstream_name} {run.notification_id} ({run.topic}), rolled back:"]
    lines += [
        f"  event  {e.application_name} {e.originator_id} version {e.originator_version} "
        f"({e.topic}) {json.dumps(e.data, ensure_ascii=False)}"
        for e in run.events
    ]
    lines += [
        f"  rows   {r.model}: {r.inserted} inserted, {r.updated} updated, {r.deleted} deleted"
        for r in run.rows
    ]
    lines += [f"  sql    {' '.join(statement.split())}" for statement in run.statements]
    if not (run.events or run.rows or run.error):
        lines.append("  nothing would be recorded or changed")
    return lines + [f"  {line}" for line in run.traceback.splitlines()]
