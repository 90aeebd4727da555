"""The time that a log is asked for is found by a few looks at its events."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from django_eventsourcing.admin.dates import first_event_at, first_late, parse_time
from django_eventsourcing.models import StoredEventRecord
from tests.django.admin.records import make_events

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
IDS = st.sets(st.integers(1, 2_000) | st.integers(1, 10**9), min_size=1, max_size=200).map(sorted)


class Log:
    """A log in memory, with the time of each id, and how often it was looked at."""

    def __init__(self, times):
        self.times = times
        self.ids = sorted(times)
        self.looks = 0

    def search(self, at):
        """Return the first event at a time, as the database's are searched."""

        def look(ids):
            self.looks += 1
            assert list(ids) == sorted(set(ids))
            found = [self.ids[bisect_left(self.ids, id_)] for id_ in ids]
            return [(id_, self.times[id_] >= at) for id_ in found]

        return first_late(look, self.ids[-1])


@given(ids=IDS, data=st.data())
def test_where_times_are_in_order_it_is_the_first(ids, data):
    times = sorted(data.draw(st.lists(st.integers(0, 50), min_size=len(ids), max_size=len(ids))))
    at = data.draw(st.integers(-1, times[-1]))

    found = Log(dict(zip(ids, times, strict=True))).search(at)

    assert found == ids[bisect_left(times, at)]


@given(ids=IDS, data=st.data())
def test_where_they_are_nearly_so_it_is_as_near(ids, data):
    jitter = data.draw(st.integers(1, 5))
    true = sorted(data.draw(st.lists(st.integers(0, 50), min_size=len(ids), max_size=len(ids))))
    times = {
        id_: time + data.draw(st.integers(-jitter, jitter))
        for id_, time in zip(ids, true, strict=True)
    }
    at = data.draw(st.integers(-10, times[ids[-1]]))

    found = Log(times).search(at)

    assert times[found] >= at
    assert all(times[id_] < at + 2 * jitter for id_ in ids if id_ < found)
    assert all(times[id_] >= at - 2 * jitter for id_ in ids if id_ > found)


@pytest.mark.parametrize("at", [1, 2, 3, 4_999_999, 7_654_321, 9_999_999, 10_000_000])
def test_among_ten_million_four_looks_are_enough(at):
    looks = 0

    def look(ids):
        nonlocal looks
        looks += 1
        return [(id_, id_ >= at) for id_ in ids]

    assert first_late(look, 10_000_000) == at
    assert looks <= 4


@pytest.mark.parametrize("name", ["", "Kennel"])
def test_events_of_a_database_are_found_with_gaps_and_among_others(database, name):
    make_events(
        300,
        using=database,
        number=lambda n: 1_000 * n,
        application_name=lambda n: "Kennel" if n % 3 else "Tally",
        recorded_at=lambda n: START + timedelta(minutes=n),
    )
    events = StoredEventRecord.objects.using(database)
    events = events.log(name) if name else events.order_by("id")

    def found(**passed):
        with CaptureQueriesContext(connections[database]) as queries:
            number = first_event_at(events, START + timedelta(**passed))
        assert len(queries) <= 5
        return number

    assert found(days=-1) == 1_000
    assert found(minutes=200) == 200_000
    assert found(minutes=150) == (151_000 if name else 150_000)
    assert found(minutes=199, seconds=1) == 200_000
    assert found(minutes=299 if name else 300) == (299_000 if name else 300_000)
    assert found(minutes=301) is None


@pytest.mark.django_db
def test_an_empty_log_has_no_first_event():
    assert first_event_at(StoredEventRecord.objects.log("Kennel"), START) is None


@pytest.mark.django_db
def test_local_times_are_kept_where_the_project_has_no_time_zones(settings):
    settings.USE_TZ = False
    make_events(3, recorded_at=lambda n: START.replace(minute=n, tzinfo=None))
    events = StoredEventRecord.objects.order_by("id")

    assert first_event_at(events, parse_time("2026-01-31 12:02")) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31 12:00", START),
        ("2026-01-31T12:00Z", START),
        ("2026-01-31 13:00+01:00", START),
        ("2026-01-31", START.replace(hour=0)),
        ("2026-02-30", None),
        ("0001-01-01 00:00+23:00", None),
        ("9999-12-31 23:59-23:00", None),
        ("now", None),
        ("", None),
        ("\0", None),
    ],
)
def test_parse_time(settings, text, expected):
    settings.TIME_ZONE = "UTC"

    assert parse_time(text) == expected
