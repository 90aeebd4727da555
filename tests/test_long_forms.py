"""Long forms: what a test does on further databases is left to `make stress`."""

import pytest
from django.conf import settings

from tests.conftest import pytest_collection_modifyitems
from tests.databases import ALIASES, on


class CallSpec:
    def __init__(self, **params):
        self.params = params


class Item:
    """As much of a test as the hook looks at."""

    def __init__(self, *marks, **params):
        self._marks = [mark.mark for mark in marks]
        self.added = []
        if params:
            self.callspec = CallSpec(**params)

    def get_closest_marker(self, name):
        return next(self.iter_markers(name), None)

    def iter_markers(self, name):
        return (mark for mark in self._marks if mark.name == name)

    def add_marker(self, name):
        self.added.append(name)


@pytest.fixture(autouse=True)
def all_answer(monkeypatch):
    monkeypatch.setattr(settings, "DATABASES", {alias: {} for alias in ALIASES})


def left(*marks, name="database"):
    """Return the databases on which a test with these marks is in the long form alone."""
    items = {alias: Item(*marks, **{name: alias}) for alias in ALIASES}
    pytest_collection_modifyitems(items.values())
    return [alias for alias, item in items.items() if item.added == ["stress"]]


@pytest.mark.parametrize("name", ["database", "vendor", "alias"])
def test_all_but_those_that_are_enough_are_left(name):
    assert left(pytest.mark.long_elsewhere("postgres"), name=name) == ["default", "mariadb"]
    assert left(pytest.mark.long_elsewhere("default", "mariadb"), name=name) == ["postgres"]


def test_without_the_mark_none_is():
    assert left() == []


def test_where_none_that_is_enough_answers_none_is(monkeypatch):
    monkeypatch.delitem(settings.DATABASES, "postgres")

    assert left(pytest.mark.long_elsewhere("postgres")) == []


def test_a_test_of_other_databases_is_not():
    mark = pytest.mark.long_elsewhere("postgres")

    assert left(on("default"), mark) == []
    assert left(on("default", "postgres"), mark) == ["default", "mariadb"]


def test_a_test_without_databases_is_not():
    items = [
        Item(pytest.mark.long_elsewhere("postgres")),
        Item(pytest.mark.long_elsewhere("postgres"), size=1),
    ]

    pytest_collection_modifyitems(items)

    assert [item.added for item in items] == [[], []]
