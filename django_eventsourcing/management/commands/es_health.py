"""``manage.py es_health``: whether all is well, for timers and for the probes of containers."""

from argparse import ArgumentParser
from typing import Any

from django_eventsourcing.management.arguments import add_json, seconds, whole_number
from django_eventsourcing.management.base import FAILURE, SystemCommand
from django_eventsourcing.status import Severity, health, system_status, worst
from django_eventsourcing.status.report import finding_lines

__all__ = ["Command"]


class Command(SystemCommand):
    help = (
        "Say in a line for each follower whether it is well. Exit codes: 0 all is well, 1 "
        "something is to be looked at, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("alias", nargs="?", help="a key of EVENTSOURCING (default: all)")
        parser.add_argument(
            "--max-lag",
            type=whole_number(0),
            metavar="N",
            help="more pending notifications are a finding",
        )
        parser.add_argument(
            "--max-age",
            type=seconds,
            metavar="SECONDS",
            help="a notification that has been pending for longer is a finding",
        )
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        findings = [
            finding
            for system in self.find_systems(options["alias"])
            for finding in health(
                system_status(system.alias),
                max_lag=options["max_lag"],
                max_age=options["max_age"],
            )
        ]
        severity = worst(findings)
        result = {"severity": severity, "findings": findings}
        self.write_result(result, finding_lines(findings), as_json=options["json"])
        if severity is not Severity.OK:
            raise SystemExit(FAILURE)
