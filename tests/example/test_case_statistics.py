"""The follower that counts activities and what each month brings."""

from collections import Counter
from datetime import datetime

import pytest

from eventsourcing.system import SingleThreadedRunner, System
from example_project.permits.application import CaseStatistics, MonthDetails, PermitCases
from example_project.permits.domain import Activity, ActivityCount, CaseDetails
from example_project.permits.event_log import read_event_log
from example_project.permits.sample.generate import PATH


@pytest.fixture
def runner():
    with SingleThreadedRunner(System(pipes=[[PermitCases, CaseStatistics]])) as runner:
        yield runner


@pytest.fixture
def permit_cases(runner):
    return runner.get(PermitCases)


@pytest.fixture
def statistics(runner):
    return runner.get(CaseStatistics)


def record(permit_cases, *, case="case-1", name="Check", number=1, at="2011-10-12 09:00:00+02:00"):
    started = datetime.fromisoformat("2011-09-30 09:00:00+02:00")
    permit_cases.record(
        CaseDetails(
            case_id=case,
            channel="Desk",
            department="General",
            group="",
            responsible="Resource01",
            started=started,
            deadline=None,
        ),
        Activity(
            name=name,
            instance=f"task-{number}",
            resource="Resource01",
            group="Group 1",
            completed_at=datetime.fromisoformat(at),
        ),
    )


def test_nothing_is_counted_before_anything_happens(statistics):
    assert statistics.get_counts() == {}
    assert statistics.get_months() == []
    assert statistics.get_count("Check") == 0


def test_activities_are_counted_by_name_the_most_frequent_first(permit_cases, statistics):
    record(permit_cases, number=1, name="Ask")
    record(permit_cases, number=2, name="Send")
    record(permit_cases, number=3, name="Check")
    record(permit_cases, number=4, name="Send", case="case-2")

    assert list(statistics.get_counts().items()) == [("Send", 2), ("Ask", 1), ("Check", 1)]


def test_an_activity_recorded_twice_is_counted_once(permit_cases, statistics):
    record(permit_cases)
    record(permit_cases)

    assert statistics.get_counts() == {"Check": 1}


def test_a_month_has_cases_and_activities(permit_cases, statistics):
    record(permit_cases, number=1)
    record(permit_cases, number=2)

    assert statistics.get_months() == [
        MonthDetails(name="2011-09", cases=1, activities=0),
        MonthDetails(name="2011-10", cases=0, activities=2),
    ]


def test_a_month_is_the_one_on_the_clock_of_the_office(permit_cases, statistics):
    record(permit_cases, at="2011-11-01 00:30:00+01:00")

    assert [month.name for month in statistics.get_months()] == ["2011-09", "2011-11"]


def test_a_busy_count_is_kept_as_a_snapshot(permit_cases, statistics):
    for number in range(45):
        record(permit_cases, number=number)

    snapshots = statistics.snapshots.get(ActivityCount.create_id("Check"))
    assert [snapshot.originator_version for snapshot in snapshots] == [20, 40]


def test_the_whole_sample_is_counted(permit_cases, statistics):
    rows = read_event_log(PATH).rows

    for row in rows:
        permit_cases.record(row.case, row.activity)

    assert statistics.get_counts() == Counter(row.activity.name for row in rows)
    assert sum(month.cases for month in statistics.get_months()) == 60
    assert {month.name: month.activities for month in statistics.get_months()} == Counter(
        f"{row.activity.completed_at:%Y-%m}" for row in rows
    )
