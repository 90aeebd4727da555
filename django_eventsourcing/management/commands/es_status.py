"""``manage.py es_status``: how the followers are doing, in a table and in words."""

import time
from argparse import ArgumentParser
from typing import Any

from django.db import close_old_connections

from django_eventsourcing.management.arguments import add_json, seconds, whole_number
from django_eventsourcing.management.base import FAILURE, SystemCommand
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.management.signals import ended_by_signals
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.status import Severity, SystemStatus, health, system_status, worst
from django_eventsourcing.status.health import Finding
from django_eventsourcing.status.report import status_data, status_lines

__all__ = ["Command"]

CLEAR = "\x1b[H\x1b[2J"


class Command(SystemCommand):
    help = (
        "Show how far the followers are, and how each is doing: in a table, and in words. Exit "
        "codes: 0 all is well, 1 something is to be looked at, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("alias", nargs="?", help="a key of EVENTSOURCING (default: all)")
        parser.add_argument(
            "--watch",
            nargs="?",
            type=seconds,
            const=2.0,
            metavar="SECONDS",
            help="look again and again, until Ctrl-C (default: every 2 seconds)",
        )
        parser.add_argument(
            "--max-lag",
            type=whole_number(0),
            metavar="N",
            help="more pending notifications are a finding",
        )
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        chosen = self.find_systems(options["alias"])
        if options["watch"] is None:
            if self._show(chosen, options) is not Severity.OK:
                raise SystemExit(FAILURE)
            return
        with ended_by_signals():
            while True:
                self._show(chosen, options)
                time.sleep(options["watch"])

    def _show(self, chosen: list[ConfiguredSystem], options: dict[str, Any]) -> Severity:
        close_old_connections()
        looks = [_look(system, options["max_lag"]) for system in chosen]
        if options["json"]:
            data = {"systems": [status_data(status, findings) for status, findings in looks]}
            self.write(envelope("es_status", data))
        else:
            if options["watch"] is not None and self.stdout.isatty():
                self.stdout.write(CLEAR, ending="")
            for status, findings in looks:
                for line in [*status_lines(status, findings), ""]:
                    self.write(line)
        return worst(finding for _, findings in looks for finding in findings)


def _look(system: ConfiguredSystem, max_lag: int | None) -> tuple[SystemStatus, list[Finding]]:
    status = system_status(system.alias)
    return status, health(status, max_lag=max_lag)
