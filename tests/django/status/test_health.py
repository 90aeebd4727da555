"""Health: which verdicts are a matter for somebody, and limits of one's own."""

from dataclasses import replace

import pytest

from django_eventsourcing.status import (
    FollowerStatus,
    PipeStatus,
    Severity,
    SystemStatus,
    Verdict,
    health,
    worst,
)

PIPE = PipeStatus(upstream="DogSchool", behind=120, behind_seconds=90.0, moved_seconds=0.5)
COUNTERS = FollowerStatus(
    name="Counters",
    database="default",
    verdict=Verdict.LAGGING,
    words="Counters is 120 behind and catching up",
    pipes=(PIPE,),
)


def finding(follower=COUNTERS, **limits):
    [found] = health(SystemStatus(alias="default", followers=(follower,)), **limits)
    return found.severity, found.words


@pytest.mark.parametrize(
    ("verdict", "severity"),
    [
        (Verdict.CAUGHT_UP, Severity.OK),
        (Verdict.LAGGING, Severity.OK),
        (Verdict.RETRYING, Severity.WARNING),
        (Verdict.HELD_UP, Severity.WARNING),
        (Verdict.PARKED, Severity.WARNING),
        (Verdict.PAUSED, Severity.WARNING),
        (Verdict.STUCK, Severity.CRITICAL),
        (Verdict.FAILED, Severity.CRITICAL),
        (Verdict.NOT_RUNNING, Severity.CRITICAL),
        (Verdict.UNKNOWN, Severity.CRITICAL),
    ],
)
def test_each_verdict_has_its_severity(verdict, severity):
    assert finding(replace(COUNTERS, verdict=verdict)) == (severity, COUNTERS.words)


def test_lag_alone_is_no_matter():
    assert finding(replace(COUNTERS, pipes=(replace(PIPE, behind=10_000, is_more=True),))) == (
        Severity.OK,
        COUNTERS.words,
    )


def test_lag_beyond_a_limit_is():
    assert finding(max_lag=119) == (
        Severity.WARNING,
        "Counters is 120 behind and catching up; more than 119 are pending",
    )
    assert finding(max_lag=120)[0] is Severity.OK


def test_age_beyond_a_limit_is():
    assert finding(max_age=60.0) == (
        Severity.WARNING,
        (
            "Counters is 120 behind and catching up; the oldest has been pending for 2 min, more than "
            "1 min"
        ),
    )
    assert finding(max_age=90.0)[0] is Severity.OK


def test_a_limit_does_not_make_what_is_critical_less_so():
    stuck = replace(COUNTERS, verdict=Verdict.STUCK)

    assert finding(stuck, max_lag=1)[0] is Severity.CRITICAL


def test_notifications_set_aside_are_a_matter_while_catching_up():
    assert finding(replace(COUNTERS, parked=1))[0] is Severity.WARNING


@pytest.mark.parametrize(
    ("reason", "severity"),
    [
        ("circuit open: 20 notifications in a row have failed", Severity.CRITICAL),
        ("prices, Ann", Severity.WARNING),
    ],
)
def test_a_pause_that_nobody_has_asked_for_is_critical(reason, severity):
    assert finding(replace(COUNTERS, verdict=Verdict.PAUSED, reason=reason))[0] is severity


@pytest.mark.parametrize(
    ("still", "severity"), [(24.0, Severity.WARNING), (26.0, Severity.CRITICAL)]
)
def test_being_held_up_for_long_is_critical(still, severity):
    pipe = replace(PIPE, behind_seconds=still, moved_seconds=still)

    assert finding(replace(COUNTERS, verdict=Verdict.HELD_UP, pipes=(pipe,)))[0] is severity


def test_the_worst_of_no_findings_is_well():
    assert worst([]) is Severity.OK
