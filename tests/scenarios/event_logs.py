"""Event logs that the scenarios import, and what can be counted straight from them."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from example_project.permits.sample.generate import PATH as SAMPLE
from tests.settings import BASE_DIR

RECEIPT = BASE_DIR.parent / "shared" / "data" / "receipt.csv"
ABSENT = f"../shared/data/{RECEIPT.name} is absent: the sample of the example project is used."


@dataclass(frozen=True, kw_only=True)
class CountedLog:
    """A file, and what stands in it."""

    path: Path
    activities: Counter[str]
    cases: int

    @property
    def rows(self) -> int:
        return self.activities.total()

    @property
    def events(self) -> int:
        """How many events the rows and the cases become."""
        return self.rows + self.cases


def count(path: Path) -> CountedLog:
    """Count in the file itself, without any of the code that records it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return CountedLog(
        path=path,
        activities=Counter(row["concept:name"] for row in rows),
        cases=len({row["case:concept:name"] for row in rows}),
    )


def real_or_sample() -> Path:
    """Return the file of the real event log, or the sample without it."""
    if not RECEIPT.exists():
        print(ABSENT)  # noqa: T201
        return SAMPLE
    return RECEIPT


def first_cases(number: int, directory: Path) -> CountedLog:
    """Return a file with the first few cases of the real event log, or the sample without it."""
    path = real_or_sample()
    if path == SAMPLE:
        return count(SAMPLE)
    with RECEIPT.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    column = header.index("case:concept:name")
    cases = list(dict.fromkeys(row[column] for row in rows))[:number]
    path = directory / "first_cases.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *(row for row in rows if row[column] in cases)])
    return count(path)
