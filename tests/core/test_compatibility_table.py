"""The page on compatibility: each row has a state, a reason where one is due, and a real test."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "reference" / "compatibility.md"
HEADER = ["what", "state", "reason", "test"]


class Row(NamedTuple):
    what: str
    state: str
    reason: str
    test: str


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables() -> list[list[list[str]]]:
    found: list[list[list[str]]] = [[]]
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            found[-1].append(cells(line))
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


ROWS = [Row(*(row + [""] * 4)[:4]) for table in tables() for row in table[2:]]
TESTED = [(row.what, name) for row in ROWS for name in re.findall(r"`([^`]*)`", row.test)]


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the tests of a file: functions, classes, and the methods of these."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = [each.name for each in node.body if isinstance(each, ast.FunctionDef)]
            found.update(f"{node.name}::{method}" for method in methods)
    return frozenset(found)


def test_all_tables_have_the_same_columns():
    assert {tuple(table[0]) for table in tables()} == {tuple(HEADER)}
    assert {len(row) for table in tables() for row in table} == {4}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what[:40])
def test_each_row_has_a_state_and_what_goes_with_it(row):
    assert row.what
    assert row.state in {"yes", "partly", "no"}
    assert bool(row.reason) == (row.state != "yes")
    assert row.test or row.state == "no"


@pytest.mark.parametrize(("what", "name"), TESTED, ids=lambda text: text[-60:])
def test_each_test_exists(what, name):
    path, _, test = name.partition("::")

    assert test.split("::")[-1].startswith(("test_", "Test")), what
    assert test in names_in(TESTS / path), what


def test_each_part_is_there():
    headings = re.findall(r"^## (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert headings == [
        "Domain",
        "Application",
        "Persistence",
        "System",
        "Projection",
        "Persistence modules",
        "Small modules",
        "Seams",
        "Chapters and examples",
        "Known faults of the 9.x line",
    ]
