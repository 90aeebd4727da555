"""Signals of a runner: what happens to it, and to its followers, told in code."""

from contextlib import contextmanager

from django_eventsourcing import get_system, signals
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.runners import ThreadedRunner
from tests.core.school import Counters, DogSchool, Tally
from tests.django.commands.conftest import configured
from tests.django.schools import Poisoned
from tests.django.status.rows import add_tricks, ids_of
from tests.waiting import wait_until

__all__ = ["configured"]

NAMES = {
    signal: name
    for name, signal in vars(signals).items()
    if name in signals.__all__ and name != "events_recorded"
}


@contextmanager
def listening():
    heard = []

    def hear(sender, signal, **kwargs):
        heard.append((NAMES[signal], sender, kwargs))

    for signal in NAMES:
        signal.connect(hear)
    try:
        yield heard
    finally:
        for signal in NAMES:
            signal.disconnect(hear)


def of(heard, name):
    return [(sender, kwargs) for each, sender, kwargs in heard if each == name]


def test_a_run_is_told_from_its_start_to_its_end(configured, database):
    configured()
    add_tricks("sit")

    runner = ThreadedRunner(get_system(), once=True, worker_name="w1")
    with listening() as heard, runner:
        runner.wait(30)

    names = [name for name, _, _ in heard]
    assert names[0] == "worker_started"
    assert names[-1] == "worker_stopped"
    assert of(heard, "worker_started") == [
        (
            ThreadedRunner,
            {"worker": "w1", "system": "default", "followers": ["Counters", "Tally"]},
        )
    ]
    assert of(heard, "worker_stopped") == [(ThreadedRunner, {"worker": "w1", "system": "default"})]
    acquired = of(heard, "lease_acquired")
    assert {sender for sender, _ in acquired} == {Counters, Tally}
    assert {kwargs["follower"] for _, kwargs in acquired} == {"Counters", "Tally"}
    assert len({kwargs["worker_id"] for _, kwargs in acquired}) == 1
    stopped = {"state": "caught up", "reason": ""}
    assert sorted(of(heard, "follower_stopped"), key=str) == [
        (Counters, {"follower": "Counters", **stopped}),
        (Tally, {"follower": "Tally", **stopped}),
    ]


def test_each_failure_is_told_the_last_one_as_such(configured, database):
    configured("poisoned_system", ON_ERROR={"retries": 1, "backoff": [0.01]})
    add_tricks("sing")
    failing = ids_of(database, DogSchool.name)[-1]

    with listening() as heard, ThreadedRunner(get_system(), once=True) as runner:
        runner.wait(30)

    failures = of(heard, "follower_failed")
    assert {sender for sender, _ in failures} == {Poisoned}
    assert [str(kwargs.pop("error")) for _, kwargs in failures] == ["dogs do not sing"] * 2
    told = {"follower": "Poisoned", "upstream": "DogSchool", "notification_id": failing}
    assert [kwargs for _, kwargs in failures] == [
        {**told, "attempt": 1, "retry_in": 0.01},
        {**told, "attempt": 2, "retry_in": None},
    ]
    [state] = [
        kwargs["state"] for sender, kwargs in of(heard, "follower_stopped") if sender is Poisoned
    ]
    assert state == "failed"


def test_a_follower_that_another_worker_has_is_told(configured, database, caplog):
    configured()
    with listening() as heard, ThreadedRunner(get_system()):
        wait_until(lambda: len(of(heard, "lease_acquired")) == 2, "taken")
        FollowerRecord.objects.using(database).filter(application_name="Tally").update(
            lease_owner="00000000-0000-0000-0000-000000000001"
        )
        wait_until(lambda: of(heard, "lease_lost"), "lost")

    [(sender, kwargs)] = of(heard, "lease_lost")
    assert (sender, kwargs["follower"]) == (Tally, "Tally")
    assert "Tally is held by another worker now" in caplog.messages
