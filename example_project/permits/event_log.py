"""Event logs in files: rows of CSV, each an activity completed in a case, checked one by one."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TypeVar

from example_project.permits.domain import Activity, CaseDetails

__all__ = [
    "BadRow",
    "Difference",
    "EventLog",
    "EventLogError",
    "Row",
    "find_difference",
    "read_event_log",
]

CASE = "case:concept:name"
CHANNEL = "case:channel"
DEPARTMENT = "case:department"
CASE_GROUP = "case:group"
RESPONSIBLE = "case:responsible"
STARTED = "case:startdate"
DEADLINE = "case:deadline"
ACTIVITY = "concept:name"
INSTANCE = "concept:instance"
RESOURCE = "org:resource"
GROUP = "org:group"
COMPLETED = "time:timestamp"
LIFECYCLE = "lifecycle:transition"

REQUIRED_COLUMNS = (
    *(CASE, CHANNEL, DEPARTMENT, CASE_GROUP, RESPONSIBLE, STARTED, DEADLINE),
    *(ACTIVITY, INSTANCE, RESOURCE, GROUP, COMPLETED),
)
COLUMNS_OF: dict[type, dict[str, str]] = {
    CaseDetails: {
        "channel": CHANNEL,
        "department": DEPARTMENT,
        "group": CASE_GROUP,
        "responsible": RESPONSIBLE,
        "started": STARTED,
        "deadline": DEADLINE,
    },
    Activity: {
        "name": ACTIVITY,
        "resource": RESOURCE,
        "group": GROUP,
        "completed_at": COMPLETED,
    },
}
SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}
"""What other programs put between fields, and how a message names it."""

TDetails = TypeVar("TDetails", CaseDetails, Activity)

EXAMPLE = "2011-10-11 13:45:40.276000+02:00"


class EventLogError(ValueError):
    """A file cannot be read as an event log at all."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of an event log."""

    line: int
    case: CaseDetails
    activity: Activity


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A row that cannot be recorded: where, and what to do about it."""

    line: int
    column: str | None
    """The column at fault, or ``None`` where it is the row as a whole."""
    problem: str

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", {self.column}" if self.column else "")
        return f"{where}: {self.problem}"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A column that has one value here and another there."""

    column: str
    text: str
    """The two values, in words: ``'Desk' differs from 'Internet'``."""


@dataclass(frozen=True, kw_only=True)
class EventLog:
    """What stands in a file."""

    rows: Sequence[Row]
    """The good rows, in the order of time over the whole file."""
    bad_rows: Sequence[BadRow]
    """The other rows, in the order of lines."""


def read_event_log(path: Path) -> EventLog:
    """
    Read a whole file into memory, at about two kilobytes a row, and check every row of it.

    Raise ``EventLogError`` if it cannot be read, is not UTF-8, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(path, file)
    except OSError as error:
        raise EventLogError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        byte = f"byte 0x{error.object[error.start]:02x}"
        line = _find_undecodable_line(path)
        where = f"{byte} in line {line}" if line else byte
        raise EventLogError(f"{path} is not UTF-8 ({where}). Save it as UTF-8.") from error


def find_difference(here: TDetails, there: TDetails) -> Difference | None:
    """Return the first column in which two descriptions of the same thing differ."""
    for name, column in COLUMNS_OF[type(here)].items():
        value, other = getattr(here, name), getattr(there, name)
        if value != other:
            return Difference(column=column, text=f"{_shown(value)} differs from {_shown(other)}")
    return None


def _shown(value: object) -> str:
    return repr("" if value is None else str(value))


def _find_undecodable_line(path: Path) -> int | None:
    """Return the number of the first line that is not UTF-8; ``None`` if it cannot be found."""
    # Text is decoded by the block, so the error knows nothing of lines.
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None


def _read(path: Path, lines: Iterator[str]) -> EventLog:
    first_line = next(lines, "")
    _check_separator(path, first_line)
    reader = csv.reader(chain([first_line], lines), strict=True)
    try:
        header = next(reader, [])
        _check_header(path, header)
        parser = _Parser(header)
        line = reader.line_num + 1
        for fields in reader:
            # Empty lines, such as the last, are no rows.
            if fields:
                parser.add(line, fields)
            line = reader.line_num + 1
    except csv.Error as error:
        raise EventLogError(
            f"{path}, line {reader.line_num}: {error}. Quote fields that contain commas, quotes "
            f"or line breaks, and double the quotes in them."
        ) from error
    rows = sorted(parser.rows, key=lambda row: row.activity.completed_at)
    return EventLog(rows=rows, bad_rows=parser.bad_rows)


def _check_separator(path: Path, first_line: str) -> None:
    for separator, name in SEPARATORS.items():
        names = {name.strip().strip('"') for name in first_line.split(separator)}
        if len(names.intersection(REQUIRED_COLUMNS)) > 1:
            raise EventLogError(
                f"{path} seems to be separated by {name}. Save it with commas between the fields."
            )


def _check_header(path: Path, header: Sequence[str]) -> None:
    if not header:
        raise EventLogError(f"{path} is empty. Its first line must name the columns.")
    missing = [column for column in REQUIRED_COLUMNS if column not in header]
    if missing:
        raise EventLogError(
            f"{path} has no column {', '.join(missing)}. Name the columns in its first line, "
            f"with commas between them."
        )
    for column in REQUIRED_COLUMNS:
        if header.count(column) > 1:
            raise EventLogError(f"{path} has the column {column} twice. Remove one of the two.")


class _RowError(ValueError):
    """A row cannot be recorded, because of one of its columns or as a whole."""

    def __init__(self, column: str | None, problem: str) -> None:
        super().__init__(problem)
        self.column = column
        self.problem = problem


@dataclass
class _Parser:
    """Turns fields into rows, and knows the rows before in order to compare."""

    header: Sequence[str]
    rows: list[Row] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)
    _instances: dict[tuple[str, str], int] = field(default_factory=dict)
    _cases: dict[str, Row] = field(default_factory=dict)

    def add(self, line: int, fields: Sequence[str]) -> None:
        try:
            row = self._parse(line, fields)
        except _RowError as error:
            self.bad_rows.append(BadRow(line=line, column=error.column, problem=error.problem))
            return
        self._instances[row.case.case_id, row.activity.instance] = line
        self._cases.setdefault(row.case.case_id, row)
        self.rows.append(row)

    def _parse(self, line: int, fields: Sequence[str]) -> Row:
        if len(fields) != len(self.header):
            raise _RowError(
                None,
                f"there are {len(fields)} fields where the first line names {len(self.header)} "
                f"columns. Quote fields that contain commas, and leave none out.",
            )
        values = {name: value.strip() for name, value in zip(self.header, fields, strict=True)}
        if values.get(LIFECYCLE, "").lower() not in ("", "complete"):
            raise _RowError(
                LIFECYCLE,
                f"{values[LIFECYCLE]!r} is not 'complete'. Remove the row: an activity is "
                f"recorded when it has been completed.",
            )
        row = Row(line=line, case=_parse_case(values), activity=_parse_activity(values))
        self._compare(row)
        return row

    def _compare(self, row: Row) -> None:
        earlier_line = self._instances.get((row.case.case_id, row.activity.instance))
        if earlier_line is not None:
            raise _RowError(
                INSTANCE,
                f"{row.activity.instance!r} is the instance of line {earlier_line}, of the same "
                f"case, already. Remove the row, or give it an instance of its own.",
            )
        earlier = self._cases.get(row.case.case_id, row)
        difference = find_difference(row.case, earlier.case)
        if difference is not None:
            raise _RowError(
                difference.column,
                f"{difference.text} in line {earlier.line}, of the same case "
                f"{row.case.case_id!r}. Make the two equal.",
            )


def _parse_case(values: dict[str, str]) -> CaseDetails:
    return CaseDetails(
        case_id=_required(values, CASE),
        channel=values[CHANNEL],
        department=values[DEPARTMENT],
        group=values[CASE_GROUP],
        responsible=values[RESPONSIBLE],
        started=_moment(values, STARTED),
        deadline=_moment(values, DEADLINE) if values[DEADLINE] else None,
    )


def _parse_activity(values: dict[str, str]) -> Activity:
    return Activity(
        name=_required(values, ACTIVITY),
        instance=_required(values, INSTANCE),
        resource=values[RESOURCE],
        group=values[GROUP],
        completed_at=_moment(values, COMPLETED),
    )


def _required(values: dict[str, str], column: str) -> str:
    if not values[column]:
        raise _RowError(column, "the field is blank. Fill it in.")
    return values[column]


def _moment(values: dict[str, str], column: str) -> datetime:
    value = _required(values, column)
    try:
        moment = datetime.fromisoformat(value)
        # At the ends of the calendar there are moments that cannot be told in UTC.
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _RowError(column, f"{value!r} is not a timestamp. Write it like {EXAMPLE}.") from None
    if moment.tzinfo is None:
        raise _RowError(
            column, f"{value!r} has no offset from UTC. Write it with one, like {EXAMPLE}."
        )
    return moment
