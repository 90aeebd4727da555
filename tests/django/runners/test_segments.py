"""Segments in a runner: each processes what is its own, once and in order, beside the others."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from django_eventsourcing import get_system, registry
from django_eventsourcing.models import FollowerRecord, FollowerStatistic, TrackingRecord
from django_eventsourcing.recorders.errors import SegmentsNotInForceError
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners import State, ThreadedRunner
from django_eventsourcing.segments import RETIRED, segment_of
from eventsourcing.persistence import Tracking
from tests.django.segmented import Counters, Diary, DogSchool, Tally
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("mariadb")


@pytest.fixture
def split(settings, database):
    """Return what configures the system with numbers of segments."""

    def configure(segments, name="system", **options):
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": f"tests.django.segmented.{name}",
                "DATABASE": database,
                "APPLICATIONS": {each: {"SEGMENTS": n} for each, n in segments.items()},
                "OPTIONS": {"POLL_INTERVAL": 0.05, "ON_ERROR": {"backoff": [0.1]}, **options},
            }
        }
        return get_system()

    yield configure
    registry.reset()


def register_dogs(system, dogs, tricks, names=("sit",)):
    """Record events of dogs in turn; return the ids of the dogs."""
    school = system.get(DogSchool)
    ids = [school.register_dog(f"Dog {n}") for n in range(dogs)]
    for n in range(tricks):
        for dog_id in ids:
            school.add_trick(dog_id, names[n % len(names)])
    return ids


def run_once(system, **kwargs):
    runner = ThreadedRunner(system, once=True, **kwargs)
    runner.start()
    assert runner.wait(60), runner.reports()
    return {(r.follower, r.upstream): r for r in runner.reports()}


def assert_each_once_in_order(system, dogs, count):
    diary = system.get(Diary)
    assert {dog: diary.versions(dog) for dog in dogs} == {
        dog: list(range(1, count + 1)) for dog in dogs
    }


@pytest.mark.long_elsewhere("postgres")
def test_segments_process_each_event_once_and_in_the_order_of_its_aggregate(split):
    system = split({"Diary": 4})
    dogs = register_dogs(system, 12, 5)

    reports = run_once(system)

    assert_each_once_in_order(system, dogs, 6)
    mine = [reports[f"Diary[{n}/4]", "DogSchool"] for n in (1, 2, 3, 4)]
    assert [(r.state, r.position) for r in mine] == [(State.CAUGHT_UP, mine[0].head)] * 4


def test_each_segment_processes_its_own_alone(split):
    system = split({"Diary": 2})
    dogs = register_dogs(system, 6, 1)

    run_once(system, followers=["Diary[2/2]"])

    diary = system.get(Diary)
    assert {dog for dog in dogs if diary.versions(dog)} == {
        dog for dog in dogs if segment_of(dog, 2) == 1
    }


def test_segments_that_change_the_same_aggregate_try_again_at_once(split):
    system = split({"Counters": 4}, ON_ERROR={"retries": 0, "then": "stop"})
    register_dogs(system, 12, 8)

    reports = run_once(system)

    assert {r.state for r in reports.values()} == {State.CAUGHT_UP}
    assert system.get(Counters).get_count("sit") == 96
    assert system.get(Tally).get_total() == 96


def test_what_segments_record_wakes_the_followers_of_their_follower(split):
    system = split({"Counters": 2}, POLL_INTERVAL=3600, LISTEN=False)

    with ThreadedRunner(system) as runner:
        idle = {State.CAUGHT_UP}
        wait_until(lambda: {r.state for r in runner.reports(look_up=False)} == idle, "idle")
        register_dogs(system, 1, 3)
        wait_until(lambda: system.get(Tally).get_total() == 3, "tallied")


@pytest.mark.long_elsewhere("postgres")
def test_two_runners_share_the_segments(split, database):
    system = split({"Diary": 4}, name="diary_system")
    other = ConfiguredSystem(system.config)
    with ThreadedRunner(system), ThreadedRunner(other):

        def owners():
            held = FollowerRecord.objects.using(database).exclude(lease_owner=None)
            return list(held.values_list("lease_owner", flat=True))

        wait_until(
            lambda: len(owners()) == 4 and all(owners().count(o) == 2 for o in owners()), "two each"
        )
        dogs = register_dogs(system, 8, 4)
        wait_until(lambda: all(len(system.get(Diary).versions(d)) == 5 for d in dogs), "all")

    assert_each_once_in_order(system, dogs, 5)


def test_the_position_of_a_split_follower_is_the_least_of_its_segments(split):
    system = split({"Diary": 2})
    register_dogs(system, 4, 1)
    run_once(system, followers=["Diary[1/2]"])
    recorder = system.get(Diary).recorder
    assert recorder.max_tracking_id("DogSchool") is None

    run_once(system, followers=["Diary"])

    head = system.get(DogSchool).recorder.max_notification_id()
    assert recorder.max_tracking_id("DogSchool") == head


def test_a_split_follower_is_not_processed_as_a_whole(split):
    system = split({"Diary": 2})

    with pytest.raises(SegmentsNotInForceError) as raised:
        system.get(Diary).recorder.insert_tracking(Tracking("DogSchool", 1))

    assert str(raised.value) == (
        "Diary is set to 2 segments, each of which is processed by itself.  HINT: Let "
        "'manage.py run_system' process it, or ask the system for 'Diary[1/2]'."
    )


@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 1), (4, 2)])
def test_positions_for_another_number_of_segments_are_refused(split, before, after):
    system = split({"Diary": before})
    dogs = register_dogs(system, 4, 1)
    run_once(system)
    system = split({"Diary": after})
    for dog in dogs:
        system.get(DogSchool).add_trick(dog, "beg")

    reports = run_once(system, followers=["Diary"])

    assert {r.state for r in reports.values()} == {State.REFUSED}
    set_to = "1 segment" if after == 1 else f"{after} segments"
    [reason] = {r.reason for r in reports.values()}
    assert reason == (
        f"Diary is set to {set_to}, and its positions in DogSchool are for {before}.  HINT: If "
        f"{after} is the new number, run 'manage.py es_segments Diary'; processes with the old "
        "number may run meanwhile, and are to be stopped afterwards. If it is the old one, start "
        "this process again with the new settings."
    )
    assert_each_once_in_order(system, dogs, 2)


def test_a_follower_that_is_refused_leaves_the_others_running(split):
    system = split({})
    register_dogs(system, 1, 1)
    run_once(system)
    system = split({"Diary": 2})

    with ThreadedRunner(system) as runner:
        register_dogs(system, 2, 2)
        wait_until(lambda: system.get(Tally).get_total() == 5, "tallied")
        refused = {r.follower for r in runner.reports() if r.state is State.REFUSED}

    assert refused == {"Diary[1/2]", "Diary[2/2]"}


def test_workers_with_different_settings_that_begin_at_once_do_not_both_process(split, database):
    """Whoever comes first decides how many segments a new follower has."""
    one, four = split({"Diary": 1}), None
    dogs = register_dogs(one, 8, 2)
    config = one.config
    four = ConfiguredSystem(split({"Diary": 4}).config)
    one = ConfiguredSystem(config)
    barrier = threading.Barrier(2)

    def run(system):
        barrier.wait()
        try:
            return run_once(system, followers=["Diary"])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        found = [future.result() for future in [pool.submit(run, one), pool.submit(run, four)]]

    states = [{r.state for r in reports.values()} for reports in found]
    assert {State.CAUGHT_UP} in states
    assert {State.REFUSED} in states
    assert_each_once_in_order(four, dogs, 3)
    rows = TrackingRecord.objects.using(database).filter(application_name__startswith="Diary")
    assert len(rows.exclude(notification_id=RETIRED)) in (1, 4)


def test_who_waits_for_the_follower_is_woken_by_its_segments(split):
    system = split({"Diary": 2}, name="diary_system")
    recorder = system.get(Diary).recorder
    recorder.poll_interval = 3600

    with ThreadedRunner(system):
        register_dogs(system, 3, 1)
        head = system.get(DogSchool).recorder.max_notification_id()
        recorder.wait("DogSchool", head, timeout=20)

    assert recorder.max_tracking_id("DogSchool") == head


@pytest.mark.long_elsewhere("default")
def test_each_segment_has_statistics_of_its_own(split, database):
    system = split({"Diary": 2})
    register_dogs(system, 12, 5)

    run_once(system)

    rows = FollowerStatistic.objects.using(database).filter(application_name__startswith="Diary")
    assert set(rows.values_list("application_name", flat=True)) == {"Diary[1/2]", "Diary[2/2]"}
