"""The page of guarantees: every scenario has a row, and every row a test that exists."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "reference" / "guarantees.md"
HEADER = ["id", "what is guaranteed", "databases", "bound", "measured", "test"]
IDS = (
    [f"G{number}" for number in range(1, 15)]
    + [f"T{number}" for number in range(1, 7)]
    + [f"R{number}" for number in range(1, 14)]
    + ["marathon"]
    + [f"P{number}" for number in range(1, 7)]
    + ["M1", "M2", "M3", "M4", "M6", "M9"]
)


def rows() -> list[list[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    tables = [line.strip().strip("|").split("|") for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in tables if not row[0].startswith(" ---")]


ROWS = [row for row in rows() if row != HEADER]
NAMED = [(row[0], name) for row in ROWS for name in re.findall(r"`([^`]*)`", row[5])]


def test_every_scenario_has_a_row():
    assert [row[0] for row in ROWS] == IDS
    assert {len(row) for row in rows()} == {6}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_says_what_was_measured_and_by_which_test(row):
    assert row[4]
    assert row[5] or row[4].startswith("not yet")


@pytest.mark.parametrize(("id_", "name"), NAMED, ids=lambda text: text[-60:])
def test_every_test_exists(id_, name):
    path, _, test = name.partition("::")

    assert (TESTS / path).is_file()
    if test:
        assert test in functions_of(TESTS / path)
    if path.startswith("stress/"):
        assert re.match(rf"test_{id_.lower()}(_|$)", test)


@pytest.mark.parametrize("path", sorted((TESTS / "stress").glob("test_*.py")), ids=lambda p: p.name)
def test_every_scenario_under_stress_is_on_the_page(path):
    scenarios = {
        name for name in functions_of(path) if re.match(r"test_([gtrpm]\d+_|marathon)", name)
    }

    assert scenarios <= {name.partition("::")[2] for _, name in NAMED}


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
