"""Figures: what the scenarios have measured, told in one table at the end and kept in a file."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(kw_only=True)
class Figures:
    """What one run of one scenario has measured."""

    scenario: str
    form: str
    database: str
    case: str = ""
    """Which of several cases of the scenario it was, if there are several."""
    values: dict[str, Any] = field(default_factory=dict)
    verdict: str = ""

    def record(self, name: str, value: Any) -> None:
        """Keep a figure; times are seconds."""
        self.values[name] = round(value, 3) if isinstance(value, float) else value

    @property
    def is_long(self) -> bool:
        """Whether bounds count that a machine which is busy with other tests may miss at times."""
        return self.form == "long"

    @property
    def patience(self) -> int:
        """By what bounds of time are multiplied: quick forms run beside each other."""
        return 1 if self.is_long else 4

    @property
    def text(self) -> str:
        case = [self.case] if self.case else []
        return ", ".join([*case, *(f"{name} {value}" for name, value in self.values.items())])


def table(figures: list[Figures]) -> list[str]:
    """Return the lines of a table."""
    head = ("scenario", "form", "database", "verdict", "figures")
    rows = [(f.scenario, f.form, f.database, f.verdict, f.text) for f in figures]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(4)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
        for row in [head, *rows]
    ]


def write(figures: list[Figures], path: Path, seed: int) -> None:
    """Keep the figures as lines of JSON, behind those that are there of other runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for each in figures:
            file.write(json.dumps({"seed": seed, **vars(each)}) + "\n")
