"""Keyset pages cover a log, whatever its gaps, without reading more of it than they show."""

from uuid import UUID

import pytest
from django.db.models import Q

from django_eventsourcing.admin.paging import (
    MAX_ID,
    Cursor,
    parse_id,
    read_page,
    read_stream_page,
)
from tests.django.admin.records import DOG, make_events

EVEN = Q(topic="even")


@pytest.fixture
def events(db):
    """Events 3, 6, … 60; every second one is even."""
    make_events(20, number=lambda n: 3 * n, topic=lambda n: "odd" if n % 2 else "even")
    from django_eventsourcing.models import StoredEventRecord

    return StoredEventRecord.objects.all()


def ids(page):
    return [row.pk for row in page.rows]


def walk(events, cursor, way, **options):
    """Return the ids on each page from the cursor on."""
    pages = []
    while cursor is not None:
        page = read_page(events, cursor, **options)
        pages.append(ids(page))
        cursor = getattr(page, way)
    return pages


def test_first_page_shows_the_newest_rows_first(events):
    page = read_page(events, Cursor(), size=3)

    assert ids(page) == [60, 57, 54]
    assert page.newer is None
    assert page.older == Cursor(before=54)


def test_pages_to_the_older_show_every_row_once(events):
    pages = walk(events, Cursor(), "older", size=6)

    assert [number for page in pages for number in page] == list(range(60, 0, -3))
    assert [len(page) for page in pages] == [6, 6, 6, 2]


def test_pages_to_the_newer_show_every_row_once(events):
    pages = walk(events, Cursor(after=0), "newer", size=6)

    assert [number for page in reversed(pages) for number in page] == list(range(60, 0, -3))


def test_page_that_ends_with_the_last_row_has_no_next(events):
    page = read_page(events, Cursor(before=16), size=5)

    assert ids(page) == [15, 12, 9, 6, 3]
    assert page.older is None


def test_newer_page_leads_back_to_the_one_it_came_from(events):
    page = read_page(events, Cursor(before=30), size=4)
    back = read_page(events, read_page(events, page.older, size=4).newer, size=4)

    assert ids(back) == ids(page)


@pytest.mark.parametrize("window", [1, 4, 6, 7, 59, 60, 1000])
def test_search_in_windows_finds_every_match(events, window):
    down = walk(events, Cursor(), "older", size=3, matching=EVEN, window=window)
    up = walk(events, Cursor(after=0), "newer", size=3, matching=EVEN, window=window)

    assert [number for page in down for number in page] == list(range(60, 0, -6))
    assert [number for page in reversed(up) for number in page] == list(range(60, 0, -6))


def test_search_says_how_far_it_has_looked(events):
    page = read_page(events, Cursor(), size=3, matching=Q(topic="none"), window=20)

    assert ids(page) == []
    assert page.searched == (41, 60)
    assert page.older == Cursor(before=41)


def test_search_to_the_end_says_nothing_of_it(events):
    page = read_page(events, Cursor(), size=3, matching=Q(topic="none"))

    assert page.searched is None
    assert page.older is None


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        (Cursor(before=0), []),
        (Cursor(before=MAX_ID), [60, 57]),
        (Cursor(after=MAX_ID), []),
        (Cursor(after=0), [6, 3]),
    ],
)
def test_edges_of_the_range_of_ids(events, cursor, expected):
    assert ids(read_page(events, cursor, size=2)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("-1", 0),
        (str(2**63), MAX_ID),
        ("9" * 50, MAX_ID),
        ("9" * 51, None),
        ("", None),
        ("1_000", None),
        ("7; DROP TABLE x", None),
        ("\u0667", None),
        ("1e3", None),
    ],
)
def test_parse_id(text, expected):
    assert parse_id(text) == expected


def test_page_takes_at_most_three_queries(events, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        read_page(events, Cursor(before=31), size=3, matching=EVEN, window=10)


@pytest.fixture
def stream(db):
    """Versions 1 to 20 of one dog, as events 2, 4, … 40; those between are of another."""
    other = UUID(int=7)
    for n in range(1, 21):
        make_events(1, number=lambda _, n=n: 2 * n, originator_version=n)
        make_events(1, number=lambda _, n=n: 2 * n + 1, originator_version=n, originator_id=other)
    from django_eventsourcing.models import StoredEventRecord

    return StoredEventRecord.objects.filter(application_name="Kennel", originator_id=DOG)


@pytest.mark.parametrize("size", [1, 3, 7, 19, 20, 21])
def test_pages_of_a_stream_show_every_event_once(stream, size):
    found = {}
    for way, cursor in (("older", Cursor()), ("newer", Cursor(after=0))):
        pages = []
        while cursor is not None:
            page = read_stream_page(stream, cursor, size=size)
            pages.append(ids(page))
            cursor = getattr(page, way)
        found[way] = pages

    everything = list(range(40, 0, -2))
    assert [number for page in found["older"] for number in page] == everything
    assert [number for page in reversed(found["newer"]) for number in page] == everything


def test_a_page_of_a_stream_leads_back(stream):
    first = read_stream_page(stream, Cursor(), size=6)
    second = read_stream_page(stream, first.older, size=6)

    assert first.newer is None
    assert ids(read_stream_page(stream, second.newer, size=6)) == ids(first)
    assert read_stream_page(stream, Cursor(after=0), size=6).older is None


def test_an_event_of_another_stream_is_no_place_in_a_stream(stream):
    assert read_stream_page(stream, Cursor(before=5), size=6) is None
    assert read_stream_page(stream, Cursor(after=999), size=6) is None


def test_a_page_of_a_stream_takes_two_queries(stream, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        read_stream_page(stream, Cursor(before=20), size=6)
