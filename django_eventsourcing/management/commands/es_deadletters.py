"""``manage.py es_deadletters``: what followers have set aside, and why."""

from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError

from django_eventsourcing.dead_letters import NotParkedError, discard
from django_eventsourcing.management.arguments import add_json, whole_number
from django_eventsourcing.management.base import USAGE, SystemCommand
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.management.who import os_user
from django_eventsourcing.models import DeadLetterRecord
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.times import utc_text

__all__ = ["Command"]

_ANY = "any"


@dataclass(frozen=True, kw_only=True)
class _Letter:
    id: int
    follower: str
    upstream_name: str
    notification_id: int
    originator_id: str
    originator_version: int
    topic: str
    status: str
    is_behind: bool
    error: str
    attempts: int
    parked_at: datetime
    resolved_at: datetime | None
    reason: str


class Command(SystemCommand):
    help = (
        "Show what followers have set aside, and why; or give one of them up. "
        "Exit codes: 0 ok, 1 failure, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "follower", nargs="?", metavar="FOLLOWER", help="its name; by default, all followers"
        )
        parser.add_argument(
            "--status",
            choices=[*DeadLetterRecord.Status.values, _ANY],
            default=DeadLetterRecord.Status.PARKED.value,
            help="those with this status (default: parked)",
        )
        parser.add_argument(
            "--limit",
            type=whole_number(0),
            default=100,
            metavar="N",
            help="of each follower, the first so many (default: 100)",
        )
        parser.add_argument(
            "--discard", type=whole_number(0), metavar="ID", help="give up the letter of this id"
        )
        parser.add_argument("--reason", metavar="TEXT", help="why it is given up: kept for ever")
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        if (options["discard"] is None) != (options["reason"] is None):
            raise CommandError(
                "--discard and --reason belong together.  HINT: Say which letter, and why.",
                returncode=USAGE,
            )
        owners = list(self._followers(options["follower"]))
        if options["discard"] is not None:
            self._discard(owners, options)
        else:
            self._list(owners, options)

    def _followers(self, name: str | None) -> Iterator[tuple[ConfiguredSystem, str]]:
        if name is not None:
            yield from ((system, run) for run, system in self.find_persisted_runs(name).items())
            return
        for system in self.find_systems(None):
            yield from ((system, f) for f in system.runs if system.is_persisted(f))

    def _list(self, owners: list[tuple[ConfiguredSystem, str]], options: dict[str, Any]) -> None:
        letters = [
            _letter(record)
            for system, name in owners
            for record in _records(system, name, options["status"])[: options["limit"]]
        ]
        if options["json"]:
            self.write(envelope("es_deadletters", {"letters": letters}))
            return
        for letter in letters:
            self.write(_line(letter))
        if not letters:
            what = "set aside" if options["status"] == _ANY else options["status"]
            self.write(f"Nothing is {what}")

    def _discard(self, owners: list[tuple[ConfiguredSystem, str]], options: dict[str, Any]) -> None:
        found = [
            (system, record)
            for system, name in owners
            for record in _records(system, name, _ANY).filter(pk=options["discard"])
        ]
        if not found:
            raise NotParkedError(
                f"There is no dead letter {options['discard']}.",
                "See 'manage.py es_deadletters' for their ids.",
            )
        if len(found) > 1:
            names = ", ".join(record.application_name for _, record in found)
            raise CommandError(
                f"In several databases there is a dead letter {options['discard']}: of {names}.  "
                "HINT: Name the follower, too.",
                returncode=USAGE,
            )
        [(system, record)] = found
        done = discard(
            system,
            record.application_name,
            record.notification_id,
            upstream_name=record.upstream_name,
            reason=options["reason"],
            by=os_user(),
        )
        if options["json"]:
            self.write(envelope("es_deadletters", {"discarded": _letter(done)}))
        else:
            self.write(f"{done} is discarded: {options['reason']}")


def _records(system: ConfiguredSystem, name: str, status: str) -> Any:
    records = DeadLetterRecord.objects.using(system.database_of(name)).filter(application_name=name)
    if status != _ANY:
        records = records.filter(status=status)
    return records.order_by("upstream_name", "notification_id")


def _letter(record: DeadLetterRecord) -> _Letter:
    return _Letter(
        id=record.id,
        follower=record.application_name,
        upstream_name=record.upstream_name,
        notification_id=record.notification_id,
        originator_id=record.originator_id,
        originator_version=record.originator_version,
        topic=record.topic,
        status=record.status,
        is_behind=record.is_behind,
        error=record.error,
        attempts=record.attempts,
        parked_at=record.parked_at,
        resolved_at=record.resolved_at,
        reason=record.reason,
    )


def _line(letter: _Letter) -> str:
    return (
        f"{letter.id}  {letter.follower}: {letter.upstream_name} {letter.notification_id} "
        f"({letter.topic}) of {letter.originator_id} version {letter.originator_version}  "
        f"{letter.status}{_fate(letter)}"
    )


def _fate(letter: _Letter) -> str:
    """Return why the letter is parked; or when it was settled and how, and why it was parked."""
    behind = "behind an earlier one of its aggregate"
    if letter.status == DeadLetterRecord.Status.PARKED:
        return f": {behind}" if letter.is_behind else f", tried {_failed(letter)}"
    at = f" at {utc_text(letter.resolved_at)} UTC" if letter.resolved_at else ""
    before = f"waited {behind}" if letter.is_behind else f"failed {_failed(letter)}"
    return f"{at}: {letter.reason}; it had {before}"


def _failed(letter: _Letter) -> str:
    # The last try was the one that has processed it.
    failures = letter.attempts - (letter.status == DeadLetterRecord.Status.PROCESSED)
    return f"{'once' if failures == 1 else f'{failures:,} times'}: {letter.error}"
