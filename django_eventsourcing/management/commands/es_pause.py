"""``manage.py es_pause``: let followers stop, wherever they run, until they are resumed."""

from argparse import ArgumentParser
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError

from django_eventsourcing.management.arguments import add_json
from django_eventsourcing.management.base import USAGE, SystemCommand
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.management.prospects import record_of
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.operating import pause
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.times import utc_text

__all__ = ["Command"]


@dataclass(frozen=True, kw_only=True)
class _Paused:
    follower: str
    changed_at: datetime
    """When its record last changed, so that it has been paused since then, or longer."""
    reason: str


class Command(SystemCommand):
    help = (
        "Let followers stop after the batch in hand, on whichever host they run, until they are "
        "resumed. One that is paused already keeps its reason, unless another is given. "
        "Exit codes: 0 ok, 1 failure, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("followers", nargs="+", metavar="FOLLOWER", help="its name")
        parser.add_argument(
            "--reason",
            metavar="TEXT",
            help="why, and by whom: shown to all; required, unless they are paused already",
        )
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        names = list(dict.fromkeys(options["followers"]))
        # All are looked for before one is changed.
        owners = {
            run: system for name in names for run, system in self.find_persisted_runs(name).items()
        }
        for run, system in owners.items():
            self.require_workers(system, run)
        already = {n: found for n, s in owners.items() if (found := _paused(s, n)) is not None}
        reason = options["reason"]
        if reason is None:
            _require_paused(owners, already)
        for name, system in owners.items():
            if reason is not None:
                pause(system, name, reason)
            if not options["json"]:
                self.write(_line(name, already.get(name), reason))
        if options["json"]:
            data = {"paused": list(owners), "reason": reason, "already": list(already.values())}
            self.write(envelope("es_pause", data))


def _paused(system: ConfiguredSystem, name: str) -> _Paused | None:
    """Return since when and why the follower is paused, if it is."""
    record = record_of(system, name)
    if record is None or record.desired_state != FollowerRecord.DesiredState.PAUSED:
        return None
    return _Paused(follower=name, changed_at=record.updated_at, reason=record.desired_reason)


def _require_paused(owners: Iterable[str], already: Collection[str]) -> None:
    names = ", ".join(name for name in owners if name not in already)
    if names:
        raise CommandError(
            f"To pause {names}, a reason is needed.  "
            "HINT: Say why, and by whom, by --reason: it is shown to everybody who looks.",
            returncode=USAGE,
        )


def _line(name: str, before: _Paused | None, reason: str | None) -> str:
    if before is None:
        return f"{name} is paused: {reason}"
    at = utc_text(before.changed_at)
    was = f"{name} is paused already, since {at} UTC or before: {before.reason}"
    return was if reason is None else f"{was}; from now on: {reason}"
