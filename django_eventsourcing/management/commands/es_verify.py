"""``manage.py es_verify``: whether what is stored can be read, and rows are what events say."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Model

from django_eventsourcing.management.arguments import add_json
from django_eventsourcing.management.base import FAILURE, USAGE, SystemCommand
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.management.signals import StopSignals
from django_eventsourcing.problems import did_you_mean
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.verifying import (
    AggregateReport,
    AggregateVerification,
    ProjectionReport,
    ProjectionVerification,
    TopicReport,
    TopicVerification,
    VerifyRefusedError,
    projections_of,
)
from django_eventsourcing.verifying.read_models import require_verifiable
from eventsourcing.application import Application

__all__ = ["Command"]

PARTS = ("topics", "aggregates", "rows")

Report = TopicReport | AggregateReport | ProjectionReport


class Command(SystemCommand):
    help = (
        "Verify that every stored topic resolves, that every aggregate can be made again from its "
        "events, and that the rows of model projections are what the events say, by a replay into "
        "scratch tables. It may be run while the system does. Exit codes: 0 nothing found, "
        "1 findings, or a failure, 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "followers",
            nargs="*",
            metavar="FOLLOWER",
            help="verify this projection, and the events of what it follows (default: all)",
        )
        parser.add_argument(
            "--system", metavar="ALIAS", help="verify this system (default: all systems)"
        )
        parser.add_argument(
            "--only",
            action="append",
            choices=PARTS,
            help="verify topics, aggregates or rows, and nothing else (repeatable)",
        )
        parser.add_argument(
            "--sample",
            type=_percentage,
            metavar="N%",
            help="make N of 100 aggregates again, taken at random (default: all of them); topics "
            "and rows are verified in full",
        )
        parser.add_argument(
            "--ignore",
            action="append",
            default=[],
            metavar="FIELD",
            help="do not compare this column: app_label.Model.field (repeatable)",
        )
        add_json(parser)

    def work(self, options: dict[str, Any]) -> None:
        chosen = self._chosen(options["followers"], options["system"])
        _require_fields(options["ignore"], chosen)
        parts = options["only"] or PARTS
        with StopSignals() as signals:
            common = {
                "write": (lambda _: None) if options["json"] else self.write,
                "is_stopping": lambda: bool(signals.received),
            }
            reports: list[Report] = []
            for report in _reports(chosen, parts, options, common):
                reports.append(report)
                if not options["json"]:
                    self._show(report)
        findings = sum(report.findings for report in reports)
        if options["json"]:
            self.write(envelope("es_verify", _data(reports, findings)))
        else:
            self.write(f"{findings:,} finding{'' if findings == 1 else 's'}")
        if findings:
            raise SystemExit(FAILURE)

    def _chosen(
        self, names: list[str], alias: str | None
    ) -> list[tuple[ConfiguredSystem, list[str], list[Application]]]:
        """Return what is to be verified of each system: projections, and applications."""
        names = list(dict.fromkeys(names))
        if not names:
            return [(s, projections_of(s), _logs(s, s.names)) for s in self.find_systems(alias)]
        found: dict[str, tuple[ConfiguredSystem, list[str]]] = {}
        for name in names:
            system = self._find(name, alias)
            found.setdefault(system.alias, (system, []))[1].append(name)
        return [
            (system, followers, _logs(system, _followed(system, followers)))
            for system, followers in found.values()
        ]

    def _find(self, name: str, alias: str | None) -> ConfiguredSystem:
        system = self.find_whole_follower(name, alias)
        try:
            require_verifiable(system, name)
        except VerifyRefusedError as error:
            raise CommandError(str(error), returncode=USAGE) from error
        return system

    def _show(self, report: Report) -> None:
        for line in report.lines():
            self.write(line)


def _reports(
    chosen: Iterable[tuple[ConfiguredSystem, list[str], list[Application]]],
    parts: Iterable[str],
    options: dict[str, Any],
    common: dict[str, Any],
) -> Iterator[Report]:
    for system, followers, applications in chosen:
        for application in applications:
            expected = None
            if "topics" in parts:
                topics = TopicVerification(application, **common).run()
                expected = topics.events
                yield topics
            if "aggregates" in parts:
                yield AggregateVerification(
                    application, sample=options["sample"], expected=expected, **common
                ).run()
        for name in followers if "rows" in parts else ():
            yield ProjectionVerification(system, name, ignored=options["ignore"], **common).run()


def _logs(system: ConfiguredSystem, names: Iterable[str]) -> list[Application]:
    """Return those of the applications whose events are kept in a database."""
    found = [system.get(name) for name in names if system.is_persisted(name)]
    return [each for each in found if isinstance(each.recorder, DjangoApplicationRecorder)]


def _followed(system: ConfiguredSystem, followers: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(up for name in followers for up in system.upstreams_of(name)))


def _require_fields(
    labels: Iterable[str],
    chosen: Iterable[tuple[ConfiguredSystem, list[str], list[Application]]],
) -> None:
    """Raise ``CommandError`` if a label is not that of a column that would be compared."""
    models: list[type[Model]] = [
        model
        for system, followers, _ in chosen
        for name in followers
        for model in getattr(system.class_of(name), "models", ())
    ]
    known = [f"{m._meta.label}.{f.name}" for m in models for f in m._meta.local_concrete_fields]
    for label in labels:
        if label not in known:
            raise CommandError(
                f"--ignore {label}: no projection to be verified has such a column.  "
                f"HINT: {did_you_mean(label, known, 'Columns')}",
                returncode=USAGE,
            )


def _data(reports: Iterable[Report], findings: int) -> dict[str, Any]:
    kinds = {TopicReport: "topics", AggregateReport: "aggregates", ProjectionReport: "rows"}
    data: dict[str, Any] = {"findings": findings, "topics": [], "aggregates": [], "rows": []}
    for report in reports:
        data[kinds[type(report)]].append(report)
    return data


def _percentage(text: str) -> float:
    number = text.removesuffix("%")
    try:
        value = float(number)
    except ValueError:
        value = 0
    if not 0 < value <= 100:
        raise ArgumentTypeError(f"{text!r} is not a percentage above 0, up to 100%")
    return value
