"""Rows that are compared in pages, whatever they hold."""

import pytest

from django_eventsourcing.projections.tables import ShadowTables
from django_eventsourcing.verifying import comparing
from django_eventsourcing.verifying.columns import columns_of
from django_eventsourcing.verifying.comparing import compared
from tests.django.read_models.models import Dog, Trick


@pytest.fixture
def compare(database, settings):
    """Return what compares two lists of names, as those of dogs in use and made again."""
    tables = ShadowTables([Trick, Dog], database, purpose="scratch")
    tables.create(anew=True)

    def compare(found, expected):
        dogs = Dog.objects.using(database)
        dogs.bulk_create([Dog(name=name) for name in found])
        with tables.in_use():
            dogs.bulk_create([Dog(name=name) for name in expected])
        return compared(Dog, database, columns_of(Dog, tables.models), tables.in_use)

    yield compare
    tables.drop()


def names(report):
    return [(drift.kind, drift.key["name"]) for drift in report.drifts]


def test_rows_that_occur_several_times_are_counted(compare):
    report = compare(["Rex", "Fido", "Rex", "Rex"], ["Fido", "Rex", "Rex", "Fido"])

    assert names(report) == [("surplus", "Rex"), ("missing", "Fido")]
    assert (report.rows, report.findings) == (4, 2)


@pytest.mark.parametrize("size", [1, 2, 7, 20])
def test_their_order_and_the_size_of_pages_do_not_matter(compare, monkeypatch, size):
    monkeypatch.setattr(comparing, "PAGE", size)

    report = compare("abcdefghij", "jihgfedcbak")

    assert names(report) == [("missing", "k")]
    assert report.rows == 10


@pytest.mark.parametrize(("found", "expected"), [("", "ab"), ("ab", ""), ("", "")])
def test_tables_may_be_empty(compare, found, expected):
    report = compare(found, expected)

    assert (report.surplus, report.missing) == (len(found), len(expected))


def test_letters_differ_by_their_case_and_accents(compare):
    report = compare(["fido", "José"], ["Fido", "Jose"])

    assert (report.surplus, report.missing) == (2, 2)


def test_memory_has_an_end(compare, monkeypatch):
    monkeypatch.setattr(comparing, "PAGE", 2)
    monkeypatch.setattr(comparing, "MOST_WAITING", 5)

    report = compare("abcdefghij", "klmnopqrst")

    assert report.fault == (
        "more than 5 rows have no counterpart near by: the rest is not compared.  HINT: Rebuild "
        "the projection; if nothing was wrong, give the model a unique constraint by which its "
        "rows can be told apart."
    )
    assert (report.findings, report.drifts) == (1, [])


def test_values_that_cannot_be_looked_up_are_compared_by_what_they_hold():
    same = comparing._hashable

    assert same({"b": [1], "a": 2}) == same({"a": 2, "b": [1]})
    assert same({"a": 1}) != same({"a": 2})
    assert same(memoryview(b"x")) == same(b"x") != same("x")
    assert same(float("nan")) == same(float("nan"))
    assert same(bool(1)) != same(1)


def test_values_are_shown_as_json_has_them():
    shown = comparing._shown

    assert shown(b"\x01\xff") == "01ff"
    assert shown({"b": 1, "a": "é"}) == '{"a": "é", "b": 1}'
    assert shown(float("inf")) == "inf"
    assert shown("x" * 500) == "x" * 200
    assert shown(None) is None
