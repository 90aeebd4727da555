"""Verdicts: each state of a follower in a word, and in a sentence that tells what to look at."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from django_eventsourcing.status import (
    FollowerStatus,
    HolderStatus,
    PipeStatus,
    Verdict,
    WorkerStatus,
)
from django_eventsourcing.status.verdicts import counted, judge

W1 = WorkerStatus(
    id=UUID(int=1),
    name="w1",
    host="kennel",
    pid=12,
    version="0.1.0",
    wake_up="polling",
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    heartbeat_seconds=2.0,
    is_alive=True,
)
GONE = replace(W1, heartbeat_seconds=47.0, is_alive=False)
HELD = FollowerStatus(name="Counters", database="default", state="running", is_held=True, worker=W1)
FREE = replace(HELD, is_held=False, worker=None)
FAILED = {"failed_upstream": "DogSchool", "failed_notification": 17, "error": "ValueError: no"}
HOLDER = HolderStatus(
    database="default",
    upstreams=("DogSchool",),
    pid=4711,
    seconds=12.0,
    words="held by pid 4711 for 12 s (idle in transaction)",
)


def pipe(behind=0, *, age=0.1, moved=0.0, upstream="DogSchool", **values):
    return PipeStatus(
        upstream=upstream,
        position=1,
        head=1 + behind,
        behind=behind,
        behind_seconds=age if behind else None,
        moved_seconds=moved,
        **values,
    )


AWAY = "Database 'crm': OperationalError: refused"
CASES = {
    "caught up": (HELD, [pipe()], "Counters is caught up"),
    "lagging": (HELD, [pipe(12_300)], "Counters is 12,300 behind and catching up"),
    "lagging, and its pace is known": (
        replace(HELD, eta_seconds=40.2),
        [pipe(12_300)],
        "Counters is 12,300 behind, catching up, about 40 s",
    ),
    "lagging by more than is counted": (
        HELD,
        [pipe(10_000, is_more=True)],
        "Counters is 10,000+ behind and catching up",
    ),
    "lagging, old events, in motion": (
        HELD,
        [pipe(5, age=9_000.0, moved=0.2)],
        "Counters is 5 behind and catching up",
    ),
    "lagging, a new event after a long silence": (
        HELD,
        [pipe(1, age=0.2, moved=9_000.0)],
        "Counters is 1 behind and catching up",
    ),
    "lagging, and taken a moment ago after a long outage": (
        replace(HELD, written_seconds=0.5),
        [pipe(5, age=500.0, moved=500.0)],
        "Counters is 5 behind and catching up",
    ),
    "stuck, nobody holds it": (
        FREE,
        [pipe(3)],
        "Counters is stuck: 3 events are pending and no worker holds it",
    ),
    "stuck, its worker is gone": (
        replace(HELD, is_held=False, worker=GONE),
        [pipe(1)],
        (
            "Counters is stuck: 1 event is pending and its worker w1 (kennel, process 12) was last "
            "heard of 47 s ago"
        ),
    ),
    "stuck, held and motionless": (
        HELD,
        [pipe(), pipe(2, age=40.0, moved=31.0, upstream="CatSchool")],
        (
            "Counters is stuck: 2 events are pending, w1 (kennel, process 12) holds it, and its "
            "position in CatSchool has not moved for 31 s"
        ),
    ),
    "stuck, and never moved": (
        replace(HELD, state="waiting for the database", worker=None),
        [pipe(2, age=40.0, moved=None)],
        (
            "Counters is stuck: 2 events are pending, a worker holds it (waiting for the database), "
            "and its position in DogSchool has not moved for 40 s"
        ),
    ),
    "failed": (
        replace(FREE, state="failed", attempts=6, **FAILED),
        [pipe(3)],
        "Counters has failed at notification 17 of DogSchool, tried 6 times: ValueError: no",
    ),
    "failed at once": (
        replace(HELD, state="failed", attempts=1, **FAILED),
        [pipe(3)],
        "Counters has failed at notification 17 of DogSchool, tried once: ValueError: no",
    ),
    "failed, its thread has died": (
        replace(HELD, state="died", error="MemoryError"),
        [pipe()],
        "Counters has died: MemoryError",
    ),
    "retrying": (
        replace(HELD, state="retrying", attempts=2, **FAILED),
        [pipe(3)],
        (
            "Counters tries notification 17 of DogSchool again, which has failed 2 times: "
            "ValueError: no"
        ),
    ),
    "retrying, a database is away": (
        replace(HELD, state="waiting for the database", error=AWAY),
        [pipe(3)],
        f"Counters waits for a database and tries again: 3 events are pending: {AWAY}",
    ),
    "stuck, a database is away": (
        replace(HELD, state="waiting for the database", error=AWAY),
        [pipe(3, age=12.0, moved=12.0)],
        (
            "Counters is stuck: 3 events are pending, w1 (kennel, process 12) holds it (waiting for "
            f"the database), and its position in DogSchool has not moved for 12 s: {AWAY}"
        ),
    ),
    "paused": (
        replace(FREE, is_wanted=False, reason="migration, Ann"),
        [pipe()],
        "Counters is paused: migration, Ann",
    ),
    "paused without a reason": (
        replace(HELD, is_wanted=False),
        [pipe(3)],
        "Counters is paused; 3 events are pending",
    ),
    "parked": (
        replace(HELD, parked=2),
        [pipe()],
        "Counters is caught up; 2 notifications are set aside",
    ),
    "lagging with notifications set aside": (
        replace(HELD, parked=1),
        [pipe(4)],
        "Counters is 4 behind and catching up; 1 notification is set aside",
    ),
    "not running": (FREE, [pipe()], "Counters is not running: no worker holds it"),
    "not running, its worker is gone": (
        replace(HELD, is_held=False, worker=GONE),
        [pipe()],
        "Counters is not running: its worker w1 (kennel, process 12) was last heard of 47 s ago",
    ),
    "not running, its worker has missed a heartbeat": (
        replace(HELD, worker=replace(W1, heartbeat_seconds=9.0)),
        [pipe()],
        "Counters is not running: its worker w1 (kennel, process 12) was last heard of 9 s ago",
    ),
    "unknown, its database is away": (
        replace(FREE, error="Database 'x': refused"),
        [],
        "Counters cannot be looked at: Database 'x': refused",
    ),
    "unknown, a log is away": (
        HELD,
        [pipe(), PipeStatus(upstream="CatSchool", error="Database 'y': refused")],
        "Counters cannot be looked at: Database 'y': refused",
    ),
    "unknown, its positions are for another number of segments": (
        HELD,
        [PipeStatus(upstream="CatSchool", error="set to 4, not 1", segments_in_force=1)],
        "Counters waits for a change of its segments: set to 4, not 1",
    ),
    "caught up in memory": (
        replace(FREE, in_memory=True),
        [pipe()],
        "Counters is caught up in the memory of this process",
    ),
    "lagging in memory": (
        replace(FREE, in_memory=True),
        [pipe(2)],
        "Counters is 2 behind in the memory of this process",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_state_has_its_verdict_and_words(case):
    follower, pipes, words = CASES[case]
    verdict = max((v for v in Verdict if case.startswith(v)), key=len)

    assert judge(replace(follower, pipes=tuple(pipes))) == (verdict, words)


def test_an_open_transaction_is_named_when_the_position_waits_for_it():
    follower = replace(HELD, pipes=(pipe(30, age=12.0, moved=12.0),))

    assert judge(follower, [HOLDER]) == (
        Verdict.HELD_UP,
        (
            "Counters is held up by an open transaction: the log of DogSchool is held by pid 4711 for "
            "12 s (idle in transaction); 30 events are pending"
        ),
    )


def test_an_open_transaction_is_not_blamed_while_the_position_moves():
    follower = replace(HELD, pipes=(pipe(30, age=12.0, moved=0.1),))

    assert judge(follower, [HOLDER])[0] is Verdict.LAGGING


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        (0.0, Verdict.STUCK),
        (9.9, Verdict.STUCK),
        (10.1, Verdict.HELD_UP),
        (600.0, Verdict.HELD_UP),
        (None, Verdict.HELD_UP),
    ],
)
def test_an_open_transaction_that_began_after_the_standstill_is_not_blamed(seconds, verdict):
    follower = replace(HELD, pipes=(pipe(30, age=12.0, moved=12.0),))

    assert judge(follower, [replace(HOLDER, seconds=seconds)])[0] is verdict


def test_where_no_open_transaction_explains_it_the_words_are_as_without_one():
    for still in (3.0, 12.0):
        follower = replace(HELD, pipes=(pipe(30, age=still, moved=still),))

        assert judge(follower, [replace(HOLDER, seconds=0.5)]) == judge(follower)


def test_one_whose_age_may_not_be_seen_is_named_though_another_has_just_begun():
    follower = replace(HELD, pipes=(pipe(30, age=12.0, moved=12.0),))
    young = replace(HOLDER, seconds=0.1, words="held by pid 1 for 0 s")
    unknown = replace(HOLDER, seconds=None, pid=5, words="held by pid 5")

    verdict, words = judge(follower, [young, unknown])

    assert verdict is Verdict.HELD_UP
    assert "held by pid 5;" in words


def test_an_open_transaction_of_another_log_is_not_blamed():
    follower = replace(HELD, pipes=(pipe(3, age=12.0, moved=12.0, upstream="CatSchool"),))

    assert judge(follower, [HOLDER])[0] is Verdict.STUCK


@pytest.mark.parametrize(
    ("number", "is_more", "text"), [(0, False, "0"), (12_300, False, "12,300"), (9, True, "9+")]
)
def test_a_number_says_whether_it_is_all(number, is_more, text):
    assert counted(number, is_more=is_more) == text
