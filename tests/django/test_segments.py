"""Segments: to which an aggregate belongs never changes, and is told by its id alone."""

from collections import Counter
from uuid import UUID

import pytest

from django_eventsourcing.segments import Segment, follower_name, segment_of, segments_of

DOG = "5ad7bb3b-7f4d-4e1c-9a55-0a3c2b1f9d10"


@pytest.mark.parametrize(
    ("originator_id", "in_4", "in_7", "in_1024"),
    [
        (UUID("00000000-0000-0000-0000-000000000000"), 2, 5, 10),
        (UUID(DOG), 1, 1, 849),
        ("", 0, 0, 692),
        ("dog-1", 1, 3, 581),
        ("Hündin 🐕", 1, 5, 565),
    ],
)
def test_the_segment_of_an_aggregate_never_changes(originator_id, in_4, in_7, in_1024):
    # Positions in databases depend on these numbers: they are not to be mended here.
    assert segment_of(originator_id, 4) == in_4
    assert segment_of(originator_id, 7) == in_7
    assert segment_of(originator_id, 1024) == in_1024


def test_an_id_as_text_belongs_where_the_id_does():
    assert segment_of(DOG, 1024) == segment_of(UUID(DOG), 1024)


@pytest.mark.parametrize("count", [2, 4, 7, 64])
def test_aggregates_are_spread_evenly(count):
    numbers = Counter(segment_of(f"dog-{n}", count) for n in range(10_000))

    # Six standard deviations to either side.
    mean = 10_000 / count
    assert set(numbers) == set(range(count))
    assert all(abs(number - mean) < 6 * mean**0.5 for number in numbers.values())


def test_each_aggregate_belongs_to_one_of_the_segments():
    segments = segments_of("Counters", 5)

    assert all(sum(s.has(f"dog-{n}") for s in segments) == 1 for n in range(200))


def test_segments_go_by_the_name_of_their_follower_and_a_number():
    assert [s.name for s in segments_of("Counters", 3)] == [
        "Counters[1/3]",
        "Counters[2/3]",
        "Counters[3/3]",
    ]


def test_a_follower_that_is_not_split_goes_by_its_own_name():
    [segment] = segments_of("Counters", 1)

    assert segment.name == "Counters"
    assert segment.has("any")


@pytest.mark.parametrize("name", ["Counters", "Counters[2/4]", "A[1/2][2/1024]"])
def test_a_name_tells_the_segment(name):
    assert Segment.parse(name).name == name


def test_a_name_tells_the_follower():
    assert follower_name("Counters[2/4]") == "Counters"
    assert follower_name("Counters") == "Counters"
    assert follower_name("Counters[x]") == "Counters[x]"
