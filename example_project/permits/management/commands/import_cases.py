"""The command `import_cases`: records an event log in a file through the application."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_eventsourcing import get_application, get_system
from django_eventsourcing.databases import require_ready
from django_eventsourcing.progress import ProgressLog, format_rate
from example_project.permits.application import PermitCases, Recorded
from example_project.permits.domain import ActivityConflictError
from example_project.permits.event_log import BadRow, EventLogError, read_event_log
from example_project.permits.importing import Importer, ImportFailedError, compare

__all__ = ["Command"]

GO_ON = "What has been recorded stays: run the same command again to go on."


class Command(BaseCommand):
    """Record an event log."""

    help = (
        "Record the activities of an event log, a CSV file with one completed activity a row, "
        "in the order of time. The file is read into memory (about 2 KB a row) and checked as a "
        "whole before anything is recorded. Rows that have been recorded before are passed over."
    )
    # Django's checks of models may ask the database, which is seen to be there first.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, the size of transactions, and what to do about bad rows."""
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument(
            "--batch-size",
            type=_positive,
            default=100,
            metavar="N",
            help="how many rows to record in one transaction (default: 100)",
        )
        parser.add_argument(
            "--skip-bad-rows",
            action="store_true",
            help="record the good rows even if there are bad ones",
        )

    def handle(self, *, file: Path, batch_size: int, skip_bad_rows: bool, **options: Any) -> None:
        """Read, check, compare with what is recorded, record the rest, and sum up."""
        database = get_system().database_of(PermitCases.name)
        require_ready(database)
        permit_cases = get_application(PermitCases)
        try:
            event_log = read_event_log(file)
        except EventLogError as error:
            raise CommandError(str(error)) from error
        if not event_log.rows and not event_log.bad_rows:
            self.stderr.write(f"WARNING: {file} has no rows below its header: nothing to record.")
        comparison = compare(permit_cases, event_log.rows)
        bad_rows = sorted(
            [*event_log.bad_rows, *comparison.bad_rows], key=lambda bad_row: bad_row.line
        )
        self._report(bad_rows)
        if bad_rows and not skip_bad_rows:
            raise CommandError(
                f"{_number(len(bad_rows), 'bad row')} in {file}: nothing has been recorded. "
                f"Correct the file, or record the good rows alone with --skip-bad-rows."
            )
        cases = len({row.case.case_id for row in event_log.rows})
        self.stdout.write(
            f"{file.name}: {_number(len(event_log.rows), 'good row')} of "
            f"{_number(cases, 'case')}, {comparison.already:,} recorded before."
        )

        importer = Importer(permit_cases, database, batch_size)
        started = time.monotonic()
        progress = ProgressLog(self._write, "import_cases", len(comparison.new), left_word="left")
        outcomes: Counter[Recorded] = Counter()
        try:
            for batch in importer.record(comparison.new):
                outcomes.update(batch)
                progress.advance(len(batch))
        except (ActivityConflictError, ImportFailedError) as error:
            raise CommandError(f"{error} {GO_ON}") from error
        except KeyboardInterrupt:
            done = progress.done
            raise CommandError(
                f"Interrupted after {done:,} of {len(comparison.new):,} rows. {GO_ON}",
                returncode=130,
            ) from None
        progress.finish()

        recorded = outcomes[Recorded.IN_NEW_CASE] + outcomes[Recorded.IN_KNOWN_CASE]
        seconds = time.monotonic() - started
        self._summarize(
            {
                "rows read": len(event_log.rows) + len(event_log.bad_rows),
                "recorded": recorded,
                "recorded before": comparison.already + outcomes[Recorded.ALREADY],
                "bad": len(bad_rows),
                "cases opened": outcomes[Recorded.IN_NEW_CASE],
            },
            recorded / seconds if seconds else 0.0,
        )

    def _report(self, bad_rows: Sequence[BadRow]) -> None:
        for bad_row in bad_rows:
            self.stderr.write(str(bad_row))

    def _summarize(self, counts: dict[str, int], rate: float) -> None:
        for name, count in counts.items():
            self.stdout.write(f"  {name:<16}{count:>10,}")
        if counts["recorded"]:
            self.stdout.write(f"  {'rate':<16}{format_rate(rate):>10}")

    def _write(self, line: str) -> None:
        self.stdout.write(line)
        # Whoever reads along through a pipe wants the line now.
        self.stdout.flush()


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 up.")
    return int(text)
