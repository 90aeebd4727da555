"""Waiting for a follower: for what, how long, and where it would be in vain."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.test import TestCase

from django_eventsourcing import await_for, get_application, get_system, remember_writes, wait_for
from django_eventsourcing.reading_own_writes import NotCommittedError
from django_eventsourcing.runners import ThreadedRunner
from eventsourcing.persistence import OperationalError, Tracking
from tests.core.school import Dog
from tests.databases import on
from tests.django.projections.boards import Board, DogSchool, Kennel
from tests.django.schools import Counters, Tally, teach

pytestmark = pytest.mark.long_elsewhere("postgres")

WIDE = "tests.django.projections.boards.wide_system"
LONG = "tests.django.schools.long_system"
SEGMENTED = "tests.django.segmented.system"


def last_id(application=DogSchool):
    return get_application(application).recorder.max_notification_id()


def test_what_has_been_processed_is_there(configured, process):
    configured()
    teach(get_application(DogSchool), ["sit"])
    process(Board, DogSchool)

    assert wait_for(Board, last_id(), timeout=0) is True
    assert wait_for("Board", last_id(), timeout=0) is True


def test_what_has_not_been_processed_is_not_within_the_time_out(configured):
    configured()
    teach(get_application(DogSchool), ["sit"])

    assert wait_for(Board, last_id(), timeout=0) is False
    assert wait_for(Board, last_id(), timeout=0.05) is False


@pytest.mark.parametrize("nothing", [None, [], {}, {"DogSchool": None}, 0])
def test_nothing_is_waited_for_at_once(configured, nothing):
    configured()

    assert wait_for(Board, nothing) is True


def test_what_save_has_returned_is_waited_for(configured, process):
    configured()
    school = get_application(DogSchool)
    dog = Dog("Fido")
    dog.add_trick("sit")
    recordings = school.save(dog)
    assert len(recordings) == 2

    assert wait_for(Board, recordings, timeout=0) is False
    get_application(Board).recorder.insert_tracking(
        Tracking("DogSchool", recordings[0].notification.id)
    )
    assert wait_for(Board, recordings, timeout=0) is False
    process(Board, DogSchool)
    assert wait_for(Board, recordings, timeout=0) is True


def test_of_several_upstreams_each_is_named(configured, process):
    configured(WIDE)
    teach(get_application(DogSchool), ["sit"])
    teach(get_application(Kennel), ["sit"])
    both = {"DogSchool": last_id(), "Kennel": last_id(Kennel)}
    process(Board, DogSchool)

    assert wait_for(Board, {"DogSchool": last_id()}, timeout=0) is True
    assert wait_for(Board, both, timeout=0) is False
    process(Board, Kennel)
    assert wait_for(Board, both, timeout=0) is True


@pytest.mark.parametrize("keys", [(DogSchool, Kennel), (DogSchool, "Kennel")])
def test_several_upstreams_may_be_given_as_classes(configured, process, keys):
    configured(WIDE)
    teach(get_application(DogSchool), ["sit"])
    teach(get_application(Kennel), ["sit"])
    both = dict(zip(keys, (last_id(), last_id(Kennel)), strict=True))
    process(Board, DogSchool)

    assert wait_for(Board, {DogSchool: last_id()}, timeout=0) is True
    assert wait_for(Board, both, timeout=0) is False
    process(Board, Kennel)
    assert wait_for(Board, both, timeout=0) is True


@pytest.mark.parametrize("later", [DogSchool, "DogSchool"])
def test_of_two_ids_for_one_upstream_the_later_is_waited_for(configured, process, later):
    configured()
    teach(get_application(DogSchool), ["sit"])
    process(Board, DogSchool)
    done = last_id()

    twice = {DogSchool: done, "DogSchool": done, later: done + 1}

    assert wait_for(Board, twice, timeout=0) is False


def test_a_number_may_be_of_each_of_several_upstreams(configured):
    configured(WIDE)

    with pytest.raises(ValueError) as caught:
        wait_for(Board, 3)

    assert str(caught.value) == (
        "Board follows DogSchool and Kennel: notification 3 may be of each.  HINT: Name the one "
        "that is meant, as in wait_for(Board, {'DogSchool': 3})."
    )


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("DogSchool", "'DogSchool'"),
        (DogSchool, "tests.core.school.DogSchool"),
        (Board, "tests.django.projections.boards.Board"),
        # Of the name of an upstream, and another class than the system has.
        (type("Counters", (Tally,), {"__module__": "elsewhere"}), "elsewhere.Counters"),
        (17, "17"),
    ],
)
def test_only_upstreams_are_waited_for(configured, key, shown):
    configured(LONG)

    with pytest.raises(ValueError) as caught:
        wait_for(Tally, {key: 3})

    assert str(caught.value) == (
        f"Tally does not follow {shown}.  HINT: It follows Counters; what is further upstream "
        "is awaited of those in between."
    )


def test_only_followers_are_waited_for(configured):
    configured(LONG)

    with pytest.raises(ValueError) as caught:
        wait_for(DogSchool, None)

    assert str(caught.value) == (
        "DogSchool follows no other application, so there is nothing to wait for.  HINT: The "
        "followers of the system 'default' are Counters and Tally."
    )
    assert get_system().system.followers == ["Counters", "Tally"]


def test_only_configured_followers_are_waited_for(configured):
    configured(LONG)

    with pytest.raises(ImproperlyConfigured, match=r"There is no application 'Taly'.* 'Tally'\?"):
        wait_for("Taly", 1)


@pytest.mark.parametrize("odd", ["3", True, -1, 1.5, {"DogSchool": "3"}, [3]])
def test_what_is_no_notification_is_refused(configured, odd):
    configured()

    with pytest.raises(TypeError) as caught:
        wait_for(Board, odd)

    value = odd["DogSchool"] if isinstance(odd, dict) else odd
    assert str(caught.value) == (
        f"The notification to wait for is {value!r}.  HINT: Give the id of a notification, ids by "
        f"upstream applications or their names, or what save() has returned."
    )


@pytest.mark.parametrize("odd", [None, "1", -1, float("inf"), float("nan"), True])
def test_the_time_out_is_a_number_of_seconds(configured, odd):
    configured()

    with pytest.raises(TypeError) as caught:
        wait_for(Board, None, timeout=odd)

    assert str(caught.value) == f"timeout is {odd!r}. Give seconds, from 0."


def test_what_was_remembered_is_waited_for_through_all_pipes(configured, process):
    configured(LONG)
    with remember_writes() as writes:
        teach(get_application(DogSchool), ["sit"])
    assert wait_for(Tally, writes, timeout=0) is False

    process(Counters, DogSchool)
    assert wait_for(Counters, writes, timeout=0) is True
    assert wait_for(Tally, writes, timeout=0) is False

    process(Tally, Counters)
    assert wait_for(Tally, writes, timeout=0) is True


def test_what_was_remembered_of_others_is_not_waited_for(configured):
    configured(WIDE)
    with remember_writes() as writes:
        teach(get_application(Kennel), ["sit"])

    assert wait_for(Counters, writes, timeout=0) is True
    assert wait_for(Board, writes, timeout=0) is False


def test_all_segments_are_waited_for(configured):
    configured(SEGMENTED, {"Counters": {"SEGMENTS": 2}})
    with remember_writes() as writes:
        teach(get_application(DogSchool), ["sit"])

    with ThreadedRunner(get_system(), followers=["Counters[1/2]"]):
        assert wait_for("Counters", writes, timeout=0.3) is False
    with ThreadedRunner(get_system(), followers=["Counters"]):
        assert wait_for("Counters", writes, timeout=60) is True


def test_a_commit_in_this_process_ends_the_wait_at_once(configured, monkeypatch):
    configured()
    teach(get_application(DogSchool), ["sit"])
    recorder = get_application(Board).recorder
    looked = threading.Event()
    look = recorder.has_tracking_id

    def note(*args):
        found = look(*args)
        looked.set()
        return found

    monkeypatch.setattr(recorder, "has_tracking_id", note)
    # Nothing but the announcement ends a pause.
    monkeypatch.setattr("django_eventsourcing.reading_own_writes.waiting._SHORTEST_PAUSE", 600)
    monkeypatch.setattr("django_eventsourcing.reading_own_writes.waiting._LONGEST_PAUSE", 600)

    def process():
        try:
            assert looked.wait(30)
            recorder.insert_tracking(Tracking("DogSchool", last_id()))
        finally:
            connections.close_all()

    thread = threading.Thread(target=process)
    thread.start()
    assert wait_for(Board, last_id(), timeout=60) is True
    thread.join()


def test_pauses_grow_up_to_the_longest_and_end_with_the_time_out(configured, monkeypatch):
    configured()
    pauses = []
    monkeypatch.setattr(
        "django_eventsourcing.reading_own_writes.pipes.Pipe.pause",
        lambda pipe, seconds: pauses.append(seconds),
    )
    moments = iter(range(100))
    monkeypatch.setattr(
        "django_eventsourcing.reading_own_writes.waiting.monotonic", lambda: next(moments) / 100
    )

    assert wait_for(Board, 7, timeout=0.195) is False

    # The clock goes on by 10 ms with each look.
    assert pauses[:3] == pytest.approx([0.005, 0.00625, 0.0078125])
    assert pauses[-8:] == pytest.approx([0.05, 0.05, 0.05, 0.045, 0.035, 0.025, 0.015, 0.005])
    assert pauses[:-5] == sorted(pauses[:-5])


def test_what_is_not_committed_is_refused(configured, database):
    configured()
    with transaction.atomic(using=database):
        teach(get_application(DogSchool), ["sit"])

        with pytest.raises(NotCommittedError) as caught:
            wait_for(Board, last_id())
        number = last_id()

    assert str(caught.value) == (
        f"Board is waited for in a transaction that has recorded events of DogSchool: notification "
        f"{number} may be one of them, which are processed after the commit.  HINT: Wait after the "
        f"'atomic' block; under ATOMIC_REQUESTS, in the next request."
    )


def test_what_the_transaction_has_processed_itself_is_there(configured, database, process):
    configured()

    with transaction.atomic(using=database):
        teach(get_application(DogSchool), ["sit"])
        process(Board, DogSchool)
        assert wait_for(Board, last_id()) is True


def test_the_transaction_of_a_test_case_is_not_refused(configured, database):
    configured()

    class Case(TestCase):
        databases = {database}

        def test(self):
            teach(get_application(DogSchool), ["sit"])
            self.found = wait_for(Board, last_id(), timeout=0.02)

    case = Case("test")
    result = case.run()

    assert result.wasSuccessful(), result.errors
    assert case.found is False


@on("postgres", "mariadb")
def test_a_transaction_that_sees_commits_waits(configured, database):
    configured()
    teach(get_application(DogSchool), ["sit"])
    with ThreadedRunner(get_system()), transaction.atomic(using=database):
        assert wait_for(Board, last_id(), timeout=60) is True


@on("default")
def test_a_transaction_on_sqlite_looks_once(configured, database, monkeypatch):
    configured()
    teach(get_application(DogSchool), ["sit"])
    monkeypatch.setattr("django_eventsourcing.reading_own_writes.pipes.Pipe.pause", never)

    with transaction.atomic(using=database):
        assert wait_for(Board, last_id(), timeout=60) is False


@on("postgres", "mariadb")
def test_a_snapshot_looks_once(configured, database, monkeypatch):
    configured()
    teach(get_application(DogSchool), ["sit"])
    monkeypatch.setattr("django_eventsourcing.reading_own_writes.pipes.Pipe.pause", never)
    monkeypatch.setattr(connections[database], "isolation_level", "repeatable read")

    with transaction.atomic(using=database):
        assert wait_for(Board, last_id(), timeout=60) is False


def never(*args):
    raise AssertionError("waits")


def test_errors_of_the_database_go_on_to_the_caller(configured, monkeypatch):
    configured()
    monkeypatch.setattr(get_application(Board).recorder, "has_tracking_id", fail)

    with pytest.raises(OperationalError, match="gone"):
        wait_for(Board, 1)


def fail(*args):
    raise OperationalError("gone")


def test_in_an_event_loop_others_go_on_meanwhile(configured):
    configured()
    teach(get_application(DogSchool), ["sit"])
    number = last_id()

    async def wait_and_process():
        waiting = asyncio.create_task(await_for(Board, number, timeout=60))
        assert await await_for(Board, {DogSchool: number}, timeout=0) is False
        await sync_to_async(get_application(Board).recorder.insert_tracking)(
            Tracking("DogSchool", number)
        )
        found = await waiting
        await sync_to_async(connections.close_all)()
        return found

    assert asyncio.run(wait_and_process()) is True


def test_in_an_event_loop_the_time_out_ends_the_wait(configured):
    configured()

    async def wait():
        found = await await_for(Board, 7, timeout=0.05)
        await sync_to_async(connections.close_all)()
        return found

    assert asyncio.run(wait()) is False
