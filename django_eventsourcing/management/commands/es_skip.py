"""``manage.py es_skip``: move a follower past the notification at which it has stopped."""

from argparse import ArgumentParser
from typing import Any

from django_eventsourcing.dead_letters import discard, skip
from django_eventsourcing.dead_letters.letters import parked
from django_eventsourcing.management.arguments import add_json, whole_number
from django_eventsourcing.management.base import SystemCommand
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.management.prospects import Prospect, prospect_of
from django_eventsourcing.management.who import os_user

__all__ = ["Command"]


class Command(SystemCommand):
    help = (
        "Move a follower past the notification at which it has stopped, or give up one that it has "
        "parked: it is never processed, and stays on record with the reason. "
        "Exit codes: 0 ok, 1 failure, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("follower", metavar="FOLLOWER", help="its name")
        parser.add_argument("--reason", required=True, metavar="TEXT", help="why: kept for ever")
        parser.add_argument(
            "--notification",
            type=whole_number(0),
            metavar="ID",
            help="which one: a parked one, or the next one; by default, that which has failed",
        )
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        name, notification_id = options["follower"], options["notification"]
        system = self.find_persisted_follower(name)
        self.require_workers(system, name)
        is_parked = (
            notification_id is not None
            and parked(system, name).filter(notification_id=notification_id).exists()
        )
        if is_parked:
            discard(system, name, notification_id, reason=options["reason"], by=os_user())
        else:
            notification_id = skip(
                system,
                name,
                reason=options["reason"],
                by=os_user(),
                notification_id=notification_id,
            ).id
        status = "discarded" if is_parked else "skipped"
        prospect = Prospect() if is_parked else prospect_of(system, name)
        if options["json"]:
            data = {"follower": name, "notification_id": notification_id, "status": status}
            more = {"reason": options["reason"], "waits_for": prospect.waits_for}
            self.write(envelope("es_skip", {**data, **more}))
            return
        self.write(f"{name}: notification {notification_id} is {status}: {options['reason']}")
        if not is_parked:
            self.write(f"{name} goes on after it{prospect.words}")
