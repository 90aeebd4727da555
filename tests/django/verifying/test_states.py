"""Whether two aggregates are the same, whatever they consist of."""

from dataclasses import dataclass

import pytest

from django_eventsourcing.verifying.states import differing


class Thing:
    def __init__(self, **values):
        vars(self).update(values)


@dataclass
class Sized:
    size: object


class Other(Thing):
    pass


@pytest.mark.parametrize(
    ("one", "other", "names"),
    [
        (Thing(_id=1, tricks=["sit"]), Thing(_id=1, tricks=["sit"]), []),
        (Thing(_id=1, tricks=["sit"]), Thing(_id=2, tricks=["beg"]), ["id", "tricks"]),
        (Thing(a=1), Thing(a=1, b=2), ["b"]),
        (Thing(a=1), Other(a=1), ["class"]),
        (Sized(1), Sized(2), ["size"]),
        (Thing(a=[Thing(b={"c": Thing(d=1)})]), Thing(a=[Thing(b={"c": Thing(d=1)})]), []),
        (Thing(a=[Thing(b={"c": Thing(d=1)})]), Thing(a=[Thing(b={"c": Thing(d=2)})]), ["a"]),
        (Thing(a=Sized(Thing(b=1))), Thing(a=Sized(Thing(b=1))), []),
        (Thing(a=Sized(Thing(b=1))), Thing(a=Sized(Thing(b=2))), ["a"]),
        (Thing(a=(1,)), Thing(a=[1]), ["a"]),
        (None, Thing(a=1), ["class"]),
    ],
)
def test_attributes_that_differ_are_named(one, other, names):
    assert differing(one, other) == names


def test_what_refers_to_itself_comes_to_an_end():
    def ring(size):
        thing = Thing(size=size)
        thing.next = Thing(back=thing, size=size)
        return thing

    assert differing(ring(1), ring(1)) == []
    assert differing(ring(1), ring(2)) == ["size", "next"]
