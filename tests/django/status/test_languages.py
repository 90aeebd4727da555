"""Languages: verdicts are English, and German for who reads German."""

from dataclasses import replace

import pytest
from django.utils import translation

from django_eventsourcing.holders import GapHolder
from django_eventsourcing.status import HolderStatus, SystemStatus, Verdict, health
from django_eventsourcing.status.verdicts import judge
from django_eventsourcing.wording import for_reader
from django_eventsourcing.writer_queue import WriterQueue
from tests.django.status.test_verdicts import AWAY, CASES, HELD, pipe

GERMAN = {
    "caught up": "Counters ist aktuell",
    "lagging": "Counters ist um 12.300 im Rückstand und holt auf",
    "lagging, and its pace is known": (
        "Counters ist um 12.300 im Rückstand, holt auf, noch etwa 40 s"
    ),
    "lagging by more than is counted": "Counters ist um 10.000+ im Rückstand und holt auf",
    "lagging, old events, in motion": "Counters ist um 5 im Rückstand und holt auf",
    "lagging, a new event after a long silence": "Counters ist um 1 im Rückstand und holt auf",
    "lagging, and taken a moment ago after a long outage": (
        "Counters ist um 5 im Rückstand und holt auf"
    ),
    "stuck, nobody holds it": (
        "Counters hängt: 3 Ereignisse stehen aus, und kein Worker hält den Follower"
    ),
    "stuck, its worker is gone": (
        "Counters hängt: 1 Ereignis steht aus, und das letzte Lebenszeichen des Workers "
        "w1 (kennel, Prozess 12) ist 47 s her"
    ),
    "stuck, held and motionless": (
        "Counters hängt: 2 Ereignisse stehen aus, w1 (kennel, Prozess 12) hält den Follower, und "
        "die Position in CatSchool hat sich seit 31 s nicht bewegt"
    ),
    "stuck, and never moved": (
        "Counters hängt: 2 Ereignisse stehen aus, ein Worker hält den Follower (wartet auf die "
        "Datenbank), und die Position in DogSchool hat sich seit 40 s nicht bewegt"
    ),
    "failed": (
        "Counters ist an der Benachrichtigung 17 von DogSchool gescheitert, 6-mal versucht: "
        "ValueError: no"
    ),
    "failed at once": (
        "Counters ist an der Benachrichtigung 17 von DogSchool gescheitert, einmal versucht: "
        "ValueError: no"
    ),
    "failed, its thread has died": "Counters ist abgestürzt: MemoryError",
    "retrying": (
        "Counters versucht erneut die Benachrichtigung 17 von DogSchool, die 2-mal gescheitert "
        "ist: ValueError: no"
    ),
    "retrying, a database is away": (
        "Counters wartet auf eine Datenbank und versucht es erneut: 3 Ereignisse stehen aus: "
        f"{AWAY}"
    ),
    "stuck, a database is away": (
        "Counters hängt: 3 Ereignisse stehen aus, w1 (kennel, Prozess 12) hält den Follower "
        "(wartet auf die Datenbank), und die Position in DogSchool hat sich seit 12 s nicht "
        f"bewegt: {AWAY}"
    ),
    "paused": "Counters ist pausiert: migration, Ann",
    "paused without a reason": "Counters ist pausiert; 3 Ereignisse stehen aus",
    "parked": "Counters ist aktuell; 2 Benachrichtigungen sind zurückgestellt",
    "lagging with notifications set aside": (
        "Counters ist um 4 im Rückstand und holt auf; 1 Benachrichtigung ist zurückgestellt"
    ),
    "not running": "Counters läuft nicht: kein Worker hält den Follower",
    "not running, its worker is gone": (
        "Counters läuft nicht: das letzte Lebenszeichen des Workers w1 (kennel, Prozess 12) ist "
        "47 s her"
    ),
    "not running, its worker has missed a heartbeat": (
        "Counters läuft nicht: das letzte Lebenszeichen des Workers w1 (kennel, Prozess 12) ist "
        "9 s her"
    ),
    "unknown, its database is away": (
        "Counters kann nicht betrachtet werden: Database 'x': refused"
    ),
    "unknown, a log is away": "Counters kann nicht betrachtet werden: Database 'y': refused",
    "unknown, its positions are for another number of segments": (
        "Counters wartet auf eine Änderung der Segmente: set to 4, not 1"
    ),
    "caught up in memory": "Counters ist im Arbeitsspeicher dieses Prozesses aktuell",
    "lagging in memory": "Counters ist im Arbeitsspeicher dieses Prozesses um 2 im Rückstand",
}
QUEUE = WriterQueue(pid=7, seconds=12.4, waiting=1, command="Sleep")


@pytest.fixture(autouse=True)
def german():
    with translation.override("de"):
        yield


@pytest.mark.parametrize("case", CASES)
def test_each_verdict_is_told_in_german(case):
    follower, pipes, english = CASES[case]

    _, words = judge(replace(follower, pipes=tuple(pipes)))

    assert (words, for_reader(words)) == (english, GERMAN[case])


def test_who_holds_a_log_up_is_told_in_german():
    holder = GapHolder(pid=4711, seconds=12.0, state="idle in transaction", application_name="")
    held = HolderStatus(
        database="default", upstreams=("DogSchool",), pid=4711, seconds=12.0, words=holder.words
    )

    verdict, words = judge(replace(HELD, pipes=(pipe(2, age=11.0, moved=11.0),)), [held])

    assert verdict is Verdict.HELD_UP
    assert for_reader(words) == (
        "Counters wird von einer offenen Transaktion aufgehalten: Das Log von DogSchool wird seit "
        "12 s von PID 4711 gehalten (idle in transaction); 2 Ereignisse stehen aus"
    )


@pytest.mark.parametrize(
    ("waiting", "said"),
    [(1, "1 Schreibvorgang wartet"), (3, "3 Schreibvorgänge warten")],
)
def test_who_holds_writers_up_is_told_in_german(waiting, said):
    holder = HolderStatus(
        database="default",
        upstreams=("CatSchool", "DogSchool"),
        pid=7,
        seconds=12.4,
        words=replace(QUEUE, waiting=waiting).words,
        keeps_writers=True,
    )

    [finding] = health(SystemStatus(alias="default", holders=(holder,)))

    assert for_reader(finding.words) == (
        "Eine offene Transaktion hält Schreibvorgänge auf: Das Log von CatSchool, DogSchool wird "
        f"seit 12 s von PID 7 gehalten (Sleep); {said}"
    )


def test_limits_that_are_exceeded_are_told_in_german():
    follower = replace(HELD, verdict=Verdict.LAGGING, words="X", pipes=(pipe(2_000, age=90.0),))

    [finding] = health(SystemStatus(alias="x", followers=(follower,)), max_lag=1_000, max_age=60)

    assert for_reader(finding.words) == (
        "X; mehr als 1.000 stehen aus; die älteste steht seit 2 min aus, mehr als 1 min"
    )
