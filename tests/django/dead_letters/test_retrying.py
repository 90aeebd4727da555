"""Retrying: after the fix, each notification once, those of an aggregate in their order."""

import threading
from asyncio import CancelledError

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_eventsourcing import event_metadata
from django_eventsourcing.dead_letters import NotFirstError, NotParkedError, discard, retry
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners import ThreadedRunner
from eventsourcing.persistence import Tracking
from tests.core.school import DogSchool
from tests.databases import on
from tests.django.dead_letters.clerks import Clerk, pipe_of, work
from tests.django.locks import is_taken, limit_waits
from tests.django.own_models.models import TrickCount
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.runners.servers import locked_out
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("postgres")


def errors(tries):
    return [tried.error for tried in tries]


def test_after_the_fix_all_are_processed_in_order_and_once(configured, teach, letters, mended):
    system = configured()
    pipe = pipe_of(system)
    bad, worse = teach(system, "bad", "sit", "bad", "stay"), teach(system, "bad")
    work(pipe)
    position = pipe.position()
    mended()

    tries = list(retry(system, "Clerk", by="ann"))

    assert errors(tries) == [""] * 5
    assert system.get(Clerk).versions_of(bad) == [1, 2, 3, 4, 5]
    assert system.get(Clerk).versions_of(worse) == [1, 2]
    assert set(letters("status", "reason")) == {("processed", "retried by ann")}
    assert None not in letters("resolved_at")
    assert pipe.position() == position
    assert list(retry(system, "Clerk")) == []


def test_what_a_retry_records_has_the_correlation_of_the_event_and_not_of_who_retries(
    configured, teach, letters, mended, database
):
    system = configured()
    with event_metadata(correlation_id="request 1", user="ann"):
        teach(system, "bad")
    work(pipe_of(system))
    (number,) = letters("notification_id")
    mended()

    with event_metadata(correlation_id="request 2", user="bob"):
        assert errors(retry(system, "Clerk")) == [""]

    last = StoredEventRecord.objects.using(database).of("Clerk").latest("id")
    assert last.metadata == {
        "correlation_id": "request 1",
        "causation_id": f"DogSchool:{number}",
    }


def test_what_comes_after_a_retry_is_processed_as_ever(configured, teach, mended):
    system = configured()
    pipe = pipe_of(system)
    dog_id = teach(system, "bad")
    work(pipe)
    mended()
    list(retry(system, "Clerk"))
    teach(system, "sit", dog_id=dog_id)

    work(pipe)

    assert system.get(Clerk).versions_of(dog_id) == [1, 2, 3]


def test_an_aggregate_stops_at_its_first_failure_and_the_others_go_on(
    configured, teach, letters, monkeypatch
):
    system = configured()
    first, second = teach(system, "bad", "sit"), teach(system, "bad too")
    work(pipe_of(system))
    policy = Clerk.policy

    def mended_in_part(clerk, domain_event, processing_event):
        clerk.is_mended = getattr(domain_event, "trick", "") != "bad"
        policy(clerk, domain_event, processing_event)

    monkeypatch.setattr(Clerk, "policy", mended_in_part)

    tries = list(retry(system, "Clerk"))

    assert errors(tries) == ["ValueError: cannot write down bad", ""]
    assert letters("originator_id", "originator_version", "status", "attempts") == [
        (str(first), 2, "parked", 2),
        (str(first), 3, "parked", 0),
        (str(second), 2, "processed", 2),
    ]
    assert system.get(Clerk).versions_of(first) == [1]


def raising(error):
    """Return a policy that raises at what a clerk fails at, and writes down the rest."""
    policy = Clerk.policy

    def policy_that_raises(clerk, domain_event, processing_event):
        if getattr(domain_event, "trick", "") == "bad":
            raise error
        policy(clerk, domain_event, processing_event)

    return policy_that_raises


def test_a_policy_that_is_cancelled_has_failed_like_any_other(
    configured, teach, letters, mended, monkeypatch
):
    system = configured()
    first, second = teach(system, "bad", "sit"), teach(system, "bad too")
    work(pipe_of(system))
    mended()
    monkeypatch.setattr(Clerk, "policy", raising(CancelledError("given up")))

    tries = list(retry(system, "Clerk"))

    assert errors(tries) == ["CancelledError: given up", ""]
    assert letters("originator_version", "status", "attempts", "error") == [
        (2, "parked", 2, "CancelledError: given up"),
        (3, "parked", 0, ""),
        (2, "processed", 2, "ValueError: cannot write down bad too"),
    ]
    assert system.get(Clerk).versions_of(first) == [1]
    assert system.get(Clerk).versions_of(second) == [1, 2]


def test_an_interrupt_ends_the_retry_and_leaves_the_letters_as_they_were(
    configured, teach, letters, mended, monkeypatch
):
    system = configured()
    dog_id = teach(system, "bad", "sit")
    teach(system, "bad too")
    work(pipe_of(system))
    before = letters("status", "attempts", "error")
    mended()
    monkeypatch.setattr(Clerk, "policy", raising(KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        list(retry(system, "Clerk"))

    assert letters("status", "attempts", "error") == before
    assert system.get(Clerk).versions_of(dog_id) == [1]


def test_a_view_that_retries_twice_does_not_wait_for_a_worker_that_waits_for_it(
    configured, teach, letters, mended, database
):
    system = configured()
    teach(system, "bad")
    last = teach(system, "bad")
    pipe = pipe_of(system)
    work(pipe)
    mended()
    teach(system, "sit", dog_id=last)
    one, two = letters("notification_id")

    with Elsewhere() as view, Elsewhere() as worker:
        worker.do(limit_waits, database)
        held = OpenTransaction(view, database)
        view.do(lambda: list(retry(system, "Clerk", notification_id=one)))
        pending = worker.start(pipe.step)
        wait_until(lambda: is_taken(pipe.follower.processing_lock), "the worker is about to claim")
        view.start(lambda: list(retry(system, "Clerk", notification_id=two))).result(timeout=10)
        held.commit()
        pending.result(timeout=30)

    work(pipe)
    assert letters("status", notification_id__lte=two) == ["processed", "processed"]


def test_a_try_that_fails_leaves_nothing_behind(configured, teach, database):
    system = configured()
    dog_id = teach(system, "bad")
    work(pipe_of(system))
    clerk = system.get(Clerk)
    assert clerk.versions_of(dog_id) == [1]
    events = StoredEventRecord.objects.using(database).of("Clerk").count()

    list(retry(system, "Clerk"))

    assert StoredEventRecord.objects.using(database).of("Clerk").count() == events
    assert not TrickCount.objects.using(database).filter(trick="bad").exists()
    clerk.repository.fastforward = False
    assert clerk.versions_of(dog_id) == [1]


def test_one_of_several_is_retried_when_it_is_the_first(configured, teach, letters, mended):
    system = configured()
    dog_id = teach(system, "bad", "sit")
    work(pipe_of(system))
    mended()
    one, two = letters("notification_id")

    with pytest.raises(NotFirstError) as raised:
        list(retry(system, "Clerk", notification_id=two))
    assert str(raised.value) == (
        f"Clerk: notification {two} of DogSchool waits for {one}, which is of the same aggregate.  "
        f"HINT: Retry or discard {one} first, or retry all of aggregate {dog_id}."
    )
    assert errors(retry(system, "Clerk", notification_id=one)) == [""]
    assert errors(retry(system, "Clerk", notification_id=two)) == [""]
    assert system.get(Clerk).versions_of(dog_id) == [1, 2, 3]


def test_one_aggregate_is_retried_alone(configured, teach, letters, mended):
    system = configured()
    first, second = teach(system, "bad", "sit"), teach(system, "bad")
    work(pipe_of(system))
    mended()

    assert errors(retry(system, "Clerk", originator_id=str(first))) == ["", ""]
    assert letters("originator_id", status="parked") == [str(second)]


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (
            {"notification_id": 99},
            "Clerk has no notification 99 parked.  HINT: See 'manage.py es_deadletters Clerk'.",
        ),
        (
            {"originator_id": "x"},
            "Clerk has nothing parked of aggregate x.  HINT: See 'manage.py es_deadletters Clerk'.",
        ),
    ],
)
def test_what_is_not_parked_is_told(configured, what, text):
    with pytest.raises(NotParkedError) as raised:
        list(retry(configured(), "Clerk", **what))

    assert str(raised.value) == text


def test_an_event_that_is_gone_is_told(configured, teach, letters, database, mended):
    system = configured()
    dog_id = teach(system, "bad")
    work(pipe_of(system))
    mended()
    (number,) = letters("notification_id")
    StoredEventRecord.objects.using(database).of("DogSchool").originator(dog_id).delete()

    (error,) = errors(retry(system, "Clerk"))

    assert error == (
        f"NotParkedError: Clerk: notification {number} is not in the log of DogSchool. HINT: Its "
        "event has been removed from the table: if that is right, discard it by 'manage.py "
        "es_deadletters'."
    )


def test_an_outage_is_no_failure_of_the_notification(configured, teach, letters, monkeypatch):
    system = configured()
    teach(system, "bad")
    work(pipe_of(system))
    error = locked_out()

    def lock_out(*args):
        raise error

    monkeypatch.setattr(Clerk, "policy", lock_out)

    with pytest.raises(type(error)):
        list(retry(system, "Clerk"))

    assert letters("attempts", "error") == [(1, "ValueError: cannot write down bad")]


def test_what_is_discarded_lets_the_next_one_come_first(configured, teach, letters, mended):
    system = configured()
    dog_id = teach(system, "bad", "sit")
    work(pipe_of(system))
    number = letters("notification_id")[0]
    mended()

    discard(system, "Clerk", number, reason="never happened", by="ann")
    list(retry(system, "Clerk"))

    assert letters("status", "reason")[0] == ("discarded", "never happened (by ann)")
    assert system.get(Clerk).versions_of(dog_id) == [1, 3]


@pytest.mark.long_elsewhere("mariadb")
def test_it_is_safe_while_the_system_runs(configured, teach, letters, mended):
    system = configured()
    there = ConfiguredSystem(system.config)  # Retries as another process.
    bad = teach(system, "bad")

    with ThreadedRunner(system):
        wait_until(lambda: letters("id") != [], "parked")
        stop = threading.Event()
        mended()
        retrying = threading.Thread(target=retry_until, args=(there, stop))
        retrying.start()
        for _ in range(40):
            teach(system, "sit", dog_id=bad)
        wait_until(lambda: system.get(Clerk).versions_of(bad) == list(range(1, 43)), "written", 60)
        stop.set()
        retrying.join(30)

    assert letters("id", status="parked") == []


def retry_until(system, stop):
    try:
        while not stop.is_set():
            list(retry(system, "Clerk"))
    finally:
        connections.close_all()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["sit", "bad"])),
        st.sampled_from(["work", "retry", "restart"]),
    ),
    max_size=25,
)


@on("default")
def test_whatever_happens_all_are_processed_in_the_end_once_and_in_order(
    configured, teach, letters, database
):
    system = configured()

    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(STEPS)
    def check(steps):
        pipe = pipe_of(system)
        dogs = {name: teach(system) for name in "abc"}
        for step in steps:
            if step == "work":
                work(pipe)
            elif step == "retry":
                list(retry(system, "Clerk"))
            elif step == "restart":
                pipe = pipe_of(system)
            else:
                teach(system, step[1], dog_id=dogs[step[0]])
        work(pipe)
        Clerk.is_mended = True
        try:
            list(retry(system, "Clerk"))
            work(pipe)
        finally:
            Clerk.is_mended = False
        for name, dog_id in dogs.items():
            count = 1 + sum(1 for step in steps if isinstance(step, tuple) and step[0] == name)
            assert system.get(Clerk).versions_of(dog_id) == list(range(1, count + 1))
        assert letters("id", status="parked") == []

    check()
    assert system.get(DogSchool).recorder.max_notification_id() is not None


def test_a_retry_waits_for_the_unit_of_work_that_a_worker_has_in_hand(
    configured, teach, letters, mended
):
    system = configured()
    there = ConfiguredSystem(system.config)
    dog_id = teach(system, "bad")
    pipe = pipe_of(system)
    work(pipe)
    mended()
    teach(system, "sit", dog_id=dog_id)
    position = pipe.position()
    following = Tracking("DogSchool", pipe.next_notification().id)

    with Elsewhere() as worker, Elsewhere() as operator:
        held = pipe.follower.recorder.processing(following, after=position)
        worker.do(held.__enter__)
        retried = operator.start(lambda: list(retry(there, "Clerk")))
        with pytest.raises(TimeoutError):
            retried.result(timeout=0.3)
        worker.do(held.__exit__, None, None, None)
        assert errors(retried.result(timeout=30)) == [""]

    assert letters("status") == ["processed"]
