"""Arguments: a call that does not fit is refused in Python's own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsourcing.domain.arguments import Parameters, detached

SIGNATURES = [
    "self",
    "self, a",
    "self, a, b=1",
    "self, a=1, b=2",
    "self, a, b, c",
    "self, a, *, b",
    "self, *, a, b",
    "self, *, a=1, b",
    "self, a, b=2, *, c, d=4",
    "self, a, **more",
    "self, *, a, b, c, d",
]


def function(signature):
    namespace = {}
    exec(f"def method({signature}): return locals()", namespace)
    namespace["method"].__qualname__ = "Dog.method"
    return namespace["method"]


def bound_by_python(func, args, kwargs):
    found = func(None, *args, **kwargs)
    return {**found.pop("more", {}), **{k: v for k, v in found.items() if k != "self"}}


def outcome(call):
    try:
        return call()
    except TypeError as error:
        return str(error)


@given(
    st.sampled_from(SIGNATURES),
    st.lists(st.integers(), max_size=4),
    st.dictionaries(st.sampled_from("abcdx"), st.integers(), max_size=4),
)
def test_binds_and_refuses_as_python_does(signature, args, kwargs):
    func = function(signature)

    found = outcome(lambda: Parameters(func).bind(args, kwargs))

    assert found == outcome(lambda: bound_by_python(func, args, kwargs))


@pytest.mark.parametrize(
    ("signature", "args", "kwargs", "text"),
    [
        ("self, a", (), {}, "missing 1 required positional argument: 'a'"),
        ("self, a, b", (), {}, "missing 2 required positional arguments: 'a' and 'b'"),
        ("self, a, b, c", (), {}, "missing 3 required positional arguments: 'a', 'b', and 'c'"),
        ("self, *, a", (), {}, "missing 1 required keyword-only argument: 'a'"),
        ("self", (), {"a": 1}, "got an unexpected keyword argument 'a'"),
        ("self, a", (1,), {"a": 1}, "got multiple values for argument 'a'"),
        ("self, a", (1, 2), {}, "takes 2 positional arguments but 3 were given"),
        ("self, a=1", (1, 2), {}, "takes from 1 to 2 positional arguments but 3 were given"),
    ],
)
def test_says_what_does_not_fit(signature, args, kwargs, text):
    with pytest.raises(TypeError) as caught:
        Parameters(function(signature)).bind(args, kwargs)

    assert str(caught.value) == f"Dog.method() {text}"


def test_selects_what_is_named():
    assert Parameters(function("self, a")).select({"a": 1, "b": 2}) == {"a": 1}
    assert Parameters(function("self, **more")).select({"a": 1}) == {"a": 1}


@pytest.mark.parametrize("value", [[[1]], {"a": [1]}, {1}, bytearray(b"a")])
def test_containers_are_detached(value):
    assert detached(value) == value
    assert detached(value) is not value


def test_other_values_are_not_copied():
    value = object()

    assert detached(value) is value
