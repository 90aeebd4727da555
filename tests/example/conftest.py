"""Fixtures of the example project: its system, and event logs in files."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from example_project.settings import EVENTSOURCING

ROW = {
    "case:channel": "Internet",
    "case:concept:name": "case-1",
    "case:deadline": "2011-12-06 13:41:31.788000+01:00",
    "case:department": "General",
    "case:group": "",
    "case:responsible": "Resource21",
    "case:startdate": "2011-10-11 13:42:22.688000+02:00",
    "concept:instance": "task-1",
    "concept:name": "Confirmation of receipt",
    "lifecycle:transition": "complete",
    "org:group": "EMPTY",
    "org:resource": "Resource21",
    "time:timestamp": "2011-10-11 13:45:40.276000+02:00",
}

WriteRows = Callable[..., Path]


@pytest.fixture
def system(settings: Any, db: None) -> None:
    """Let the settings name the example project's system."""
    settings.EVENTSOURCING = EVENTSOURCING


@pytest.fixture
def write_rows(tmp_path: Path) -> WriteRows:
    """Return a function that writes rows, given by what they have different, into a file."""

    def write(*changes: dict[str, str], name: str = "log.csv") -> Path:
        return write_csv(tmp_path / name, ROW, (ROW | change for change in changes))

    return write


def write_csv(path: Path, header: Iterable[str], rows: Iterable[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(header))
        writer.writeheader()
        writer.writerows(rows)
    return path


def task(number: int, **changes: str) -> dict[str, str]:
    """Return what makes a row the activity with this number, an hour after the one before."""
    moment = f"2011-10-{11 + number // 24:02} {number % 24:02}:00:00+02:00"
    return {"concept:instance": f"task-{number}", "time:timestamp": moment, **changes}
