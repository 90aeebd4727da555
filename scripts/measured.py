"""
Write what was measured into docs/reference/guarantees.md, from the figures of the last runs.

    .venv/bin/python scripts/measured.py

`make stress`, and `make test` for the short forms, leave the figures in .cache/stress. A long run
counts before a short one, the last before an earlier one; one that has failed does not count.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "guarantees.md"
FIGURES = ROOT / ".cache" / "stress" / "figures.jsonl"
NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL", "mariadb": "MariaDB"}
FAULTS = ("lost", "unprocessed", "doubled", "disordered", "phantoms")
COLUMN = 4
"""Which cell of a row is for what was measured."""


def main() -> int:
    if not FIGURES.exists():
        sys.stderr.write(f"{FIGURES.relative_to(ROOT)} is not there.  HINT: Run make stress.\n")
        return 1
    best = best_of(json.loads(line) for line in FIGURES.read_text().splitlines())
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    PAGE.write_text("\n".join(written(line, best) for line in lines) + "\n", encoding="utf-8")
    return 0


def best_of(runs: Any) -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """Return the run to show of each test, database and case."""
    best: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for run in runs:
        if run["verdict"] != "passed":
            continue
        of_test = best.setdefault(f"test_{run['scenario']}", {})
        key = (run["database"], run.get("case", ""))
        known = of_test.get(key)
        if known is None or run["form"] == "long" or known["form"] == "quick":
            of_test[key] = run
    return best


def written(line: str, best: dict[str, dict[tuple[str, str], dict[str, Any]]]) -> str:
    """Return the row of a table with its figures; any other line as it is."""
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    tests = re.findall(r"`stress/[^`]*::(\w+)`", line)
    if len(cells) <= COLUMN or not any(test in best for test in tests):
        return line
    cells[COLUMN] = "<br>".join(text(run) for test in tests for run in by_name(best.get(test, {})))
    return f"| {' | '.join(cells)} |"


def by_name(runs: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    return [run for name in NAMES for (database, _), run in runs.items() if database == name]


def text(run: dict[str, Any]) -> str:
    """Say what was measured in one run."""
    values = dict(run["values"])
    faults = sum(values.pop(fault, 0) for fault in FAULTS)
    events = values.pop("events", None)
    parts = [] if events is None else [f"{faults} faults in {events:,} events"]
    parts += [f"{name.replace('_', ' ')} {value}" for name, value in values.items()]
    form = "" if run["form"] == "long" else " (short form)"
    case = f", {run['case']}" if run.get("case") else ""
    return f"{NAMES[run['database']]}{case}{form}: {', '.join(parts)}"


if __name__ == "__main__":
    sys.exit(main())
