"""Parking: what fails for good is set aside with what is behind it, and all else goes on."""

import logging

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.conf import ErrorPolicy, get_config
from django_eventsourcing.loading import load_system
from django_eventsourcing.models import DeadLetterRecord, FollowerRecord
from django_eventsourcing.operating import resume
from django_eventsourcing.problems import ConfigurationError
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners import State, pipe
from django_eventsourcing.signals import notification_parked
from eventsourcing.persistence import OperationalError
from tests.core.school import Counters
from tests.django.dead_letters.clerks import Clerk, pipe_of, work
from tests.django.own_models.models import TrickCount

pytestmark = pytest.mark.long_elsewhere("postgres")


def test_later_ones_of_the_aggregate_are_parked_in_order_and_all_others_go_on(
    configured, teach, run_once, letters
):
    system = configured(retries=2)
    bad = teach(system, "sit", "bad", "stay")
    good = [teach(system, *["sit"] * 20) for _ in range(10)]
    teach(system, "roll over", dog_id=bad)

    reports = run_once(system)

    assert reports["Clerk"].state is State.CAUGHT_UP
    assert reports["Clerk"].position == reports["Clerk"].head
    assert letters("originator_version", "is_behind", "attempts", "status") == [
        (3, False, 3, "parked"),
        (4, True, 0, "parked"),
        (5, True, 0, "parked"),
    ]
    assert set(letters("originator_id")) == {str(bad)}
    assert letters("error", is_behind=False) == ["ValueError: cannot write down bad"]
    assert 'raise ValueError(f"cannot write down {trick}")' in letters("traceback")[0]
    clerk = system.get(Clerk)
    assert clerk.versions_of(bad) == [1, 2]
    assert all(clerk.versions_of(each) == list(range(1, 22)) for each in good)
    assert system.get(Counters).get_count("bad") == 1


@pytest.mark.parametrize(("retries", "times"), [(0, "once"), (1, "2 times")])
def test_the_log_says_what_has_been_parked(
    configured, teach, run_once, letters, caplog, retries, times
):
    system = configured(retries=retries)
    teach(system, "bad")

    with caplog.at_level(logging.WARNING, "django_eventsourcing"):
        run_once(system)

    (number,) = letters("notification_id")
    (error,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert error.getMessage() == (
        f"Clerk has parked DogSchool {number} (tests.core.school:Dog.TrickAdded): "
        f"ValueError: cannot write down bad; tried {times}"
    )


def test_what_is_recorded_later_is_parked_behind_and_others_of_the_batch_go_on(
    configured, teach, letters
):
    system = configured()
    pipe = pipe_of(system)
    bad, good = teach(system, "bad"), teach(system)
    work(pipe)
    for _ in range(3):
        teach(system, "sit", dog_id=bad)
        teach(system, "sit", dog_id=good)

    work(pipe)

    assert letters("originator_version", "is_behind") == [
        (2, False),
        (3, True),
        (4, True),
        (5, True),
    ]
    assert system.get(Clerk).versions_of(good) == [1, 2, 3, 4]


def test_what_another_worker_has_parked_is_known_at_once(configured, teach, letters):
    system = configured()
    other = ConfiguredSystem(system.config)  # Has applications of its own, as another process.
    one, two = pipe_of(system), pipe_of(other)
    dog_id = teach(system)
    work(one)
    teach(system, "bad", dog_id=dog_id)
    work(two)
    teach(system, "sit", dog_id=dog_id)

    work(one)

    assert letters("originator_version", "is_behind") == [(2, False), (3, True)]


def test_nothing_is_asked_where_nothing_is_parked(configured, teach, database):
    system = configured()
    pipe = pipe_of(system)
    teach(system, "sit")
    work(pipe)
    teach(system, "sit")

    with CaptureQueriesContext(connections[database]) as captured:
        work(pipe)

    table = DeadLetterRecord._meta.db_table
    assert [query["sql"] for query in captured if table in query["sql"]] == []


def test_more_aggregates_than_are_kept_in_mind_are_looked_up(
    configured, teach, letters, monkeypatch
):
    monkeypatch.setattr("django_eventsourcing.dead_letters.parking._MOST_KNOWN", 2)
    system = configured()
    pipe = pipe_of(system)
    bad = [teach(system, "bad") for _ in range(4)]
    work(pipe)
    for dog_id in [*bad, good := teach(system)]:
        teach(system, "sit", dog_id=dog_id)

    work(pipe)

    assert letters("originator_id", is_behind=True) == [str(dog_id) for dog_id in bad]
    assert system.get(Clerk).versions_of(good) == [1, 2]


def test_parking_is_done_with_the_position_or_not_at_all(configured, teach, letters, monkeypatch):
    system = configured()
    pipe = pipe_of(system, batch_size=1)
    teach(system, "bad")
    pipe.step()
    with pytest.raises(ValueError, match="cannot write down") as raised:
        pipe.step()
    position = pipe.position()

    def break_down(tracking):
        assert len(letters("id")) == 1
        raise OperationalError("no more")

    monkeypatch.setattr(pipe.follower.recorder, "insert_tracking", break_down)
    with pytest.raises(OperationalError, match="no more"):
        pipe.parking.settle(raised.value, 1)

    assert letters("id") == []
    assert pipe.position() == position


def test_a_policy_that_has_written_rows_and_fails_leaves_none_and_no_cached_aggregate(
    configured, teach, database, monkeypatch
):
    system = configured()
    clerk = system.get(Clerk)
    dog_id = teach(system, "sit")
    work(pipe_of(system))
    assert clerk.versions_of(dog_id) == [1, 2]  # It is in the cache from now on.
    teach(system, "stay", "roll over", "bad", dog_id=dog_id)
    # However slow the machine is, all are of one batch.
    monkeypatch.setattr(pipe, "_LONGEST_BATCH", 60.0)

    with pytest.raises(ValueError, match="cannot write down bad"):
        pipe_of(system).step()

    assert clerk.versions_of(dog_id) == [1, 2]
    clerk.repository.fastforward = False
    assert clerk.versions_of(dog_id) == [1, 2]
    assert set(TrickCount.objects.using(database).values_list("trick", flat=True)) == {
        "none",
        "sit",
    }


def test_skipping_leaves_it_on_record_and_goes_on_with_the_aggregate(
    configured, teach, run_once, letters
):
    system = configured(then="skip")
    dog_id = teach(system, "bad", "sit")

    run_once(system)

    assert letters("originator_version", "status", "reason") == [(2, "skipped", "by ON_ERROR")]
    assert letters("resolved_at") != [None]
    assert system.get(Clerk).versions_of(dog_id) == [1, 3]


def test_a_follower_may_do_otherwise_than_the_system(configured, teach, run_once, letters):
    system = configured({"Clerk": {"ON_ERROR": {"then": "stop"}}})
    teach(system, "bad")

    reports = run_once(system)

    assert reports["Clerk"].state is State.FAILED
    assert letters("id") == []


def test_aggregates_stay_parked_where_the_follower_is_to_stop_from_now_on(
    configured, teach, letters
):
    system = configured()
    dog_id = teach(system, "bad")
    work(pipe_of(system))
    teach(system, "sit", dog_id=dog_id)

    work(pipe_of(system, policy=ErrorPolicy()))

    assert letters("originator_version") == [2, 3]


def test_receivers_are_told(configured, teach):
    system = configured()
    told = []

    def receive(**kwargs):
        told.append((kwargs["follower"], kwargs["status"], kwargs["is_behind"], kwargs["error"]))

    notification_parked.connect(receive)
    teach(system, "bad", "sit")

    work(pipe_of(system))

    assert told == [
        ("Clerk", "parked", False, "ValueError: cannot write down bad"),
        ("Clerk", "parked", True, ""),
    ]


@pytest.mark.long_elsewhere("mariadb")
def test_when_all_fail_the_circuit_opens_and_nothing_more_is_parked(
    configured, teach, run_once, letters, database, monkeypatch
):
    monkeypatch.setattr(Clerk, "also_fails", True)
    system = configured()
    for _ in range(30):
        teach(system)

    reports = run_once(system)

    assert reports["Clerk"].state is State.PAUSED
    assert len(letters("id")) == 20
    record = FollowerRecord.objects.using(database).get(application_name="Clerk")
    assert record.desired_state == "paused"
    assert record.desired_reason == (
        "circuit open: 20 notifications in a row have failed, the last: "
        "ValueError: cannot write down none"
    )
    assert reports["Counters"].state is State.CAUGHT_UP


def test_a_circuit_is_closed_by_resuming(
    configured, teach, run_once, letters, database, monkeypatch
):
    monkeypatch.setattr(Clerk, "also_fails", True)
    system = configured(circuit=2)
    for _ in range(5):
        teach(system)
    run_once(system)
    monkeypatch.setattr(Clerk, "also_fails", False)
    resume(system, "Clerk")

    reports = run_once(system)

    assert reports["Clerk"].state is State.CAUGHT_UP
    assert len(letters("id")) == 2


def test_one_that_is_resumed_too_early_parks_as_many_again_and_pauses(
    configured, teach, letters, monkeypatch
):
    monkeypatch.setattr(Clerk, "also_fails", True)
    system = configured()
    pipe = pipe_of(system, policy=ErrorPolicy(retries=0, then="park", circuit=2), batch_size=1)
    for _ in range(9):
        teach(system)

    with pytest.raises(ValueError, match="cannot write down"):
        work(pipe)
    assert (len(letters("id")), pipe.parking.is_open) == (2, True)
    resume(system, "Clerk")
    with pytest.raises(ValueError, match="cannot write down"):
        work(pipe)

    assert (len(letters("id")), pipe.parking.is_open) == (4, True)


def test_a_success_between_keeps_the_circuit_closed(configured, teach, run_once, letters):
    system = configured(circuit=2)
    for _ in range(4):
        teach(system, "bad")

    assert run_once(system)["Clerk"].state is State.CAUGHT_UP
    assert len(letters("id")) == 4


def test_a_text_that_no_database_keeps_is_kept_escaped_and_a_long_trace_cut(
    configured, teach, letters, monkeypatch
):
    def fail(self, domain_event, processing_event):
        raise ValueError("nul \0 and half \ud800" + "x" * 50_000)

    monkeypatch.setattr(Clerk, "policy", fail)
    system = configured()
    teach(system)

    work(pipe_of(system))

    [(error, trace)] = letters("error", "traceback")
    assert error.startswith("ValueError: nul \\x00 and half \\ud800xxx")
    assert len(error) == 2_000
    assert len(trace) == 20_000


def test_memory_has_no_room_for_dead_letters(settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.dead_letters.clerks.clerks_system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
            "OPTIONS": {"ON_ERROR": {"then": "park"}},
        }
    }

    with pytest.raises(ConfigurationError) as raised:
        load_system(get_config())

    assert str(raised.value) == (
        "EVENTSOURCING['default'] lets Clerk park what fails, and keeps it in memory, where nothing "
        "can be set aside.  HINT: Set 'then' to 'stop' in ['APPLICATIONS']['Clerk']['ON_ERROR'], or "
        "keep Clerk in a database. (django_eventsourcing.E021)"
    )
