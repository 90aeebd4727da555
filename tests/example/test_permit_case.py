"""Permit cases: an activity is recorded once, whatever how often it is told."""

from datetime import UTC, datetime

import pytest

from example_project.permits.domain import Activity, ActivityConflictError, PermitCase


def make_case():
    return PermitCase(
        case_id="case-1",
        channel="Desk",
        department="General",
        group="Group 1",
        responsible="Resource01",
        started=datetime(2011, 10, 11, tzinfo=UTC),
        deadline=None,
    )


def make_activity(name="Confirmation of receipt", instance="task-1"):
    return Activity(
        name=name,
        instance=instance,
        resource="Resource01",
        group="Group 1",
        completed_at=datetime(2011, 10, 12, tzinfo=UTC),
    )


def test_a_case_has_the_id_of_its_number():
    assert make_case().id == PermitCase.create_id("case-1")
    assert PermitCase.create_id("case-1") != PermitCase.create_id("case-2")


def test_an_activity_is_recorded():
    case = make_case()

    assert case.complete(make_activity())

    assert list(case.activities.values()) == [make_activity()]
    assert case.version == 2


def test_the_same_activity_is_recorded_once():
    case = make_case()
    case.complete(make_activity())

    assert not case.complete(make_activity())

    assert case.version == 2


def test_the_same_work_may_be_done_twice():
    case = make_case()
    case.complete(make_activity(instance="task-1"))

    assert case.complete(make_activity(instance="task-2"))


def test_another_activity_under_the_same_instance_is_refused():
    case = make_case()
    case.complete(make_activity())

    with pytest.raises(ActivityConflictError) as caught:
        case.complete(make_activity(name="T02 Check"))

    assert str(caught.value) == (
        "Case case-1 has recorded 'Confirmation of receipt', completed by Resource01 at "
        "2011-10-12 00:00:00+00:00, under the instance 'task-1': 'T02 Check', completed by "
        "Resource01 at 2011-10-12 00:00:00+00:00, is another activity and needs an instance of "
        "its own."
    )
