"""Synchronous followers: what they write is committed with the event, or not at all."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django import db
from django.db import connections, transaction

from django_eventsourcing import event_metadata, processed_event
from django_eventsourcing.models import StoredEventRecord, TrackingRecord
from django_eventsourcing.runners import State, ThreadedRunner
from django_eventsourcing.synchronous import SynchronousFollowers
from eventsourcing.persistence import IntegrityError, OperationalError, PersistenceError
from tests.core.school import Counters, Dog, DogSchool
from tests.databases import on
from tests.django.own_models.models import TrickCount
from tests.django.projections.boards import Board, Kennel
from tests.django.schools import teach
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("mariadb")

WIDE = "tests.django.projections.boards.wide_system"


def test_rows_are_there_when_save_returns(configured, counts):
    teach(configured("Board").get(DogSchool), ["sit", "beg", "sit"])

    assert counts() == {"sit": 2, "beg": 1}


def test_rows_are_rolled_back_with_the_events(configured, counts, database):
    school = configured("Board").get(DogSchool)
    dog_id = teach(school, ["sit"])

    with transaction.atomic(using=database):
        school.add_trick(dog_id, "beg")
        assert counts() == {"sit": 1, "beg": 1}
        transaction.set_rollback(True, using=database)

    assert counts() == {"sit": 1}


def test_what_a_follower_raises_goes_to_the_caller_and_nothing_is_recorded(
    configured, counts, database, monkeypatch
):
    school = configured("Board").get(DogSchool)
    dog_id = teach(school, ["sit"])
    monkeypatch.setattr(Board, "after", lambda self, trick: 1 / 0)
    dog = school.repository.get(dog_id)
    dog.add_trick("beg")

    with transaction.atomic(using=database):
        with pytest.raises(ZeroDivisionError):
            school.save(dog)
        assert counts() == {"sit": 1}  # The transaction is usable, and nothing is in it.

    assert StoredEventRecord.objects.using(database).of("DogSchool").count() == 2
    monkeypatch.undo()
    school.save(dog)
    assert counts() == {"sit": 1, "beg": 1}


def test_an_error_of_its_database_goes_on_as_it_is(configured, monkeypatch):
    school = configured("Board").get(DogSchool)

    def fail(self, trick):
        raise db.IntegrityError("a row of its own is there twice")

    monkeypatch.setattr(Board, "after", fail)
    with pytest.raises(db.IntegrityError, match="a row of its own"):
        teach(school, ["sit"])


def test_an_error_of_its_database_that_it_catches_is_no_success(
    configured, counts, database, monkeypatch
):
    """Django then rolls the transaction back, at its end, and says nothing."""
    school = configured("Board").get(DogSchool)
    dog_id = teach(school, [])

    def catch(self, trick):
        row = TrickCount.objects.using(database).get(trick=trick)
        with suppress(db.IntegrityError):
            row.save(using=database, force_insert=True)

    monkeypatch.setattr(Board, "after", catch)
    with pytest.raises(transaction.TransactionManagementError):
        school.add_trick(dog_id, "sit")

    assert counts() == {}
    assert school.repository.get(dog_id).version == 1


def test_a_conflict_of_versions_is_told_as_one(configured, counts):
    school = configured("Board").get(DogSchool)
    dog_id = teach(school, ["sit"])
    first, second = school.repository.get(dog_id), school.repository.get(dog_id)
    first.add_trick("beg")
    second.add_trick("roll over")
    school.save(first)

    with pytest.raises(IntegrityError, match="version 3 of"):
        school.save(second)

    assert counts() == {"sit": 1, "beg": 1}


def test_it_knows_which_event_it_processes(configured, monkeypatch):
    seen = []
    monkeypatch.setattr(Board, "after", lambda self, trick: seen.append(processed_event()))
    school = configured("Board").get(DogSchool)

    with event_metadata(correlation_id="request 7", shop="north"):
        dog_id = teach(school, ["sit"])

    last = school.recorder.max_notification_id()
    [event] = seen
    assert event.reference == f"DogSchool:{last}"
    assert event.metadata == {"correlation_id": "request 7", "shop": "north"}
    [stored] = [e for e in school.notification_log.select(last, 1) if e.originator_id == dog_id]
    assert abs((event.recorded_at - stored.recorded_at).total_seconds()) < 5
    assert processed_event() is None


def test_from_several_upstreams(configured, counts):
    system = configured("Board", system=WIDE)

    teach(system.get(DogSchool), ["sit"])
    teach(system.get(Kennel), ["sit", "beg"])

    assert counts() == {"sit": 2, "beg": 1}


def test_topics_that_it_does_not_follow_are_left_out(configured, monkeypatch):
    handled = []
    monkeypatch.setattr(Board, "topics", [f"{Dog.__module__}:Dog.TrickAdded"])
    monkeypatch.setattr(
        Board, "process_event", lambda self, event, tracking: handled.append(type(event).__name__)
    )
    teach(configured("Board").get(DogSchool), ["sit"])

    assert handled == ["TrickAdded"]


def test_what_it_records_itself_is_committed_and_processed_too(configured, database):
    system = configured("Counters", "Tally", system="tests.django.schools.long_system")
    teach(system.get(DogSchool), ["sit", "beg"])

    assert system.get(Counters).get_count("sit") == 1
    logs = StoredEventRecord.objects.using(database)
    assert logs.of("Counters").count() > 0
    assert system.get("Tally").recorder.has_tracking_id(
        "Counters", system.get(Counters).recorder.max_notification_id()
    )
    caused = logs.of("Counters").order_by("id").last().metadata["causation_id"]
    assert caused == f"DogSchool:{system.get(DogSchool).recorder.max_notification_id()}"


def test_its_position_is_that_of_all_that_is_recorded(configured, database):
    system = configured("Board")
    teach(system.get(DogSchool), ["sit"])

    board = system.get(Board).recorder
    assert board.has_tracking_id("DogSchool", system.get(DogSchool).recorder.max_notification_id())
    names = TrackingRecord.objects.using(database).values_list("application_name", flat=True)
    assert sorted(names) == ["Board", "Board[sync]"]


def test_a_log_that_is_there_already_is_left_to_workers(configured, counts):
    teach(configured().get(DogSchool), ["sit"])

    system = configured("Board")
    teach(system.get(DogSchool), ["beg"])
    assert counts() == {}

    with ThreadedRunner(system):
        wait_until(lambda: counts() == {"sit": 1, "beg": 1}, "both processed")
    teach(system.get(DogSchool), ["beg"])
    assert counts() == {"sit": 1, "beg": 1}


def test_one_of_several_logs_that_is_there_already_leaves_all_to_workers(configured, counts):
    teach(configured(system=WIDE).get(Kennel), ["sit"])

    teach(configured("Board", system=WIDE).get(DogSchool), ["beg"])

    assert counts() == {}


@on("postgres")
def test_two_transactions_record_the_first_events_at_the_same_time(configured, counts, monkeypatch):
    system = configured("Board")
    look = SynchronousFollowers._is_recorded

    def interrupted(self, upstream, first_id):
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(teach_elsewhere).result()
        # So that the events of the other come before those of this one.
        return look(self, upstream, system.get(DogSchool).recorder.max_notification_id())

    def teach_elsewhere():
        try:
            teach(system.get(DogSchool), ["beg"])
        finally:
            connections.close_all()

    monkeypatch.setattr(SynchronousFollowers, "_is_recorded", interrupted)
    dog = Dog("Rex")
    dog.add_trick("sit")
    system.get(DogSchool).save(dog)

    assert counts() == {"sit": 1, "beg": 1}


def test_a_worker_leaves_it_alone(configured, counts):
    system = configured("Board")
    teach(system.get(DogSchool), ["sit"])

    with ThreadedRunner(system) as runner:
        wait_until(
            lambda: [r.state for r in runner.reports()] == [State.SYNCHRONOUS], "found to be so"
        )
        teach(system.get(DogSchool), ["sit"])

    assert counts() == {"sit": 2}
    assert not runner.failure


def test_a_worker_with_other_settings_is_refused(configured, counts):
    teach(configured("Board").get(DogSchool), ["sit"])

    with ThreadedRunner(configured()) as runner:
        wait_until(lambda: [r.state for r in runner.reports()] == [State.REFUSED], "refused")
        [report] = runner.reports()

    assert report.reason == (
        "Board is synchronous: it processes what DogSchool records in the transaction that records "
        "it.  HINT: To let 'manage.py run_system' process it, or to rebuild, verify or split it, "
        "run 'manage.py es_sync Board --off' first."
    )
    assert counts() == {"sit": 1}


def test_several_saves_in_one_transaction_see_each_others_rows(configured, database):
    system = configured("Board")
    with transaction.atomic(using=database):
        teach(system.get(DogSchool), ["sit"])
        assert TrickCount.objects.using(database).get(trick="sit").count == 1
        teach(system.get(DogSchool), ["sit"])

    assert TrickCount.objects.using(database).get(trick="sit").count == 2


@on("mariadb")
def test_a_deadlock_that_it_catches_leaves_nothing_half_recorded(configured, database, monkeypatch):
    """All that was written before it, the event included, has been rolled back by then."""

    def catch(self, trick):
        # What the database does at a deadlock.
        with connections[database].cursor() as cursor:
            cursor.execute("ROLLBACK")
        TrickCount.objects.using(database).create(trick="effect")

    school = configured("Board").get(DogSchool)
    dog_id = teach(school, [])
    monkeypatch.setattr(Board, "after", catch)

    with pytest.raises(OperationalError, match="has rolled back all that was written"):
        school.add_trick(dog_id, "sit")

    assert school.repository.get(dog_id).version == 1


def test_what_it_refuses_is_not_passed_by_where_its_leader_goes_on(
    configured, database, monkeypatch
):
    """The leader's position, which is in memory meanwhile, is not moved without its events."""
    teach(configured(system="tests.django.schools.long_system").get(DogSchool), ["sit"])
    system = configured("Tally", system="tests.django.schools.long_system")
    counters = system.get(Counters)
    monkeypatch.setattr(type(system.get("Tally")), "policy", lambda *_: 1 / 0)
    process = counters.process_event

    def go_on(event, tracking):
        with suppress(ZeroDivisionError):
            process(event, tracking)

    monkeypatch.setattr(counters, "process_event", go_on)
    school = system.get(DogSchool)
    counters.follow("DogSchool", school.notification_log, school.mapper)

    with pytest.raises(PersistenceError):
        counters.process_next("DogSchool")

    assert (
        counters.recorder.max_tracking_id("DogSchool") or 0
    ) < school.recorder.max_notification_id()
