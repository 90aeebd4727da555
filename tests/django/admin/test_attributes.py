"""What has changed in a value is told part by part."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_eventsourcing.admin.attributes import MOST_PARTS, in_parts


def told(before, now):
    """Return what is told of one attribute, ``a``, that has changed."""
    found = in_parts({"a": before}, {"a": now}, {"a": "changed"})
    return [(each.name, each.kind, each.before, each.now) for each in found]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (1, 2, [("a", "changed", "1", "2")]),
        ({"x": 1}, {"x": 1, "y": [2]}, [("a.y", "added", "", "[2]")]),
        ({"x": 1, "y": 2}, {"y": 2}, [("a.x", "removed", "1", "")]),
        ({"x": {"y": 1, "z": 0}}, {"x": {"y": 2, "z": 0}}, [("a.x.y", "changed", "1", "2")]),
        (["x"], ["x", "y", "z"], [("a[1]", "added", "", '"y"'), ("a[2]", "added", "", '"z"')]),
        (["x", "y"], ["y"], [("a", "changed", '["x", "y"]', '["y"]')]),
        ({"x": 1}, [1], [("a", "changed", '{"x": 1}', "[1]")]),
    ],
)
def test_parts_that_differ_are_told(before, now, expected):
    assert told(before, now) == expected


def test_of_very_many_parts_the_whole_is_told():
    many = {str(n): n for n in range(MOST_PARTS + 1)}

    assert told({}, many) == [("a", "changed", "{}", json.dumps(many))]


def test_attributes_that_come_and_go_are_told_as_wholes():
    found = in_parts({"x": 1, "z": 3}, {"y": {"b": 2}, "z": 3}, {"x": "removed", "y": "added"})

    assert [(each.name, each.kind) for each in found] == [("y", "added"), ("x", "removed")]


values = st.recursive(
    st.integers(0, 2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=8,
)


@given(values, values)
def test_something_is_told_exactly_if_values_differ(before, now):
    if before != now:
        assert told(before, now)
        assert all(was != became for _name, _kind, was, became in told(before, now))
