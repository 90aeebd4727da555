"""Importing: the rows of an event log, recorded through the application, none of them twice."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django import db
from django.db import connections, transaction

from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError
from example_project.permits.application import PermitCases, Recorded
from example_project.permits.event_log import BadRow, Difference, Row, find_difference

__all__ = ["Comparison", "ImportFailedError", "Importer", "compare"]

# Another process has been faster or holds a lock, or the connection is lost: all may pass.
PASSING = (
    IntegrityError,
    InterfaceError,
    OperationalError,
    db.InterfaceError,
    db.OperationalError,
)
PAUSES = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class ImportFailedError(Exception):
    """Rows could not be recorded, although it was tried again and again."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The rows of an event log, beside what has been recorded."""

    new: Sequence[Row]
    """Rows to be recorded, in the order given."""
    already: int
    """How many rows have been recorded before."""
    bad_rows: Sequence[BadRow]
    """Rows that contradict what has been recorded."""


def compare(permit_cases: PermitCases, rows: Sequence[Row]) -> Comparison:
    """Find out which rows have been recorded already; each of their cases is read once."""
    new: list[Row] = []
    bad_rows: list[BadRow] = []
    already = 0
    known = {
        case_id: permit_cases.find_case(case_id)
        for case_id in dict.fromkeys(row.case.case_id for row in rows)
    }
    for row in rows:
        permit_case = known[row.case.case_id]
        if permit_case is None:
            new.append(row)
            continue
        activity = permit_case.activities.get(row.activity.instance)
        difference = find_difference(row.case, permit_case.details) or (
            activity and find_difference(row.activity, activity)
        )
        if difference:
            bad_rows.append(_contradiction(row, difference))
        elif activity:
            already += 1
        else:
            new.append(row)
    return Comparison(new=new, already=already, bad_rows=bad_rows)


def _contradiction(row: Row, difference: Difference) -> BadRow:
    return BadRow(
        line=row.line,
        column=difference.column,
        problem=f"{difference.text}, which has been recorded for case {row.case.case_id!r}, and "
        f"events are not changed. Correct the row, or remove it.",
    )


class Importer:
    """
    Records rows, several in one transaction.

    It may be killed at any time, and may run while others record and while followers process:
    what is committed stays, and is passed over when the same rows are imported again.
    """

    def __init__(
        self,
        permit_cases: PermitCases,
        database: str,
        batch_size: int = 100,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._permit_cases = permit_cases
        self._database = database
        self._batch_size = batch_size
        self._sleep = sleep

    def record(self, rows: Sequence[Row]) -> Iterator[Sequence[Recorded]]:
        """
        Record the rows in their order, and yield what came of each batch once it is committed.

        Raise ``ImportFailedError`` if a batch cannot be recorded.
        """
        for start in range(0, len(rows), self._batch_size):
            yield self._record_with_patience(rows[start : start + self._batch_size])

    def _record_with_patience(self, batch: Sequence[Row]) -> Sequence[Recorded]:
        for pause in PAUSES:
            try:
                return self._record_batch(batch)
            except PASSING:
                self._drop_lost_connection()
                self._sleep(pause)
        try:
            return self._record_batch(batch)
        except PASSING as error:
            raise ImportFailedError(
                f"Line {batch[0].line} and the rows after it in time could not be recorded in "
                f"{len(PAUSES) + 1} attempts: {' '.join(str(error).split())}"
            ) from error

    def _drop_lost_connection(self) -> None:
        connection = connections[self._database]
        # A transaction around the import is its caller's: to close it is not for us.
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()

    def _record_batch(self, batch: Sequence[Row]) -> Sequence[Recorded]:
        with transaction.atomic(using=self._database):
            return [self._permit_cases.record(row.case, row.activity) for row in batch]
