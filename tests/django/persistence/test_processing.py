"""Processing: claim, policy, events and position in one transaction, by one worker at a time."""

from threading import Event

import pytest
from django import db
from django.contrib.auth.models import Group, Permission
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.models import TrackingRecord
from eventsourcing.conformance import selected, stored_event
from eventsourcing.persistence import (
    AlreadyProcessedError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    RecordConflictError,
    Tracking,
)
from tests.databases import on
from tests.django.persistence.elsewhere import TIMEOUT, Elsewhere

TRACKING = Tracking("DogSchool", 21)


@pytest.fixture(params=[None, 20], ids=["the first notification", "a later notification"])
def recorder(request, process_recorder):
    """Return a recorder whose position is absent, or just before the notification."""
    if request.param is not None:
        process_recorder.insert_tracking(Tracking("DogSchool", request.param))
    return process_recorder


def process(recorder, tracking=TRACKING) -> None:
    with recorder.processing(tracking):
        recorder.insert_events([stored_event()], tracking=tracking)


def test_what_a_policy_writes_commits_with_events_and_position(database, recorder):
    with recorder.processing(TRACKING):
        Group.objects.using(database).create(name="effect")
        recorder.insert_events([stored_event()], tracking=TRACKING)

    assert Group.objects.using(database).count() == 1
    assert recorder.max_tracking_id("DogSchool") == 21
    assert len(selected(recorder, None, 10)) == 1


def test_a_policy_that_fails_leaves_nothing_behind(database, recorder):
    position = recorder.max_tracking_id("DogSchool")

    def fail() -> None:
        with recorder.processing(TRACKING):
            Group.objects.using(database).create(name="effect")
            recorder.insert_events([stored_event()], tracking=TRACKING)
            raise ValueError("the policy's own")

    with pytest.raises(ValueError, match="the policy's own"):
        fail()

    assert Group.objects.using(database).count() == 0
    assert recorder.max_tracking_id("DogSchool") == position
    assert selected(recorder, None, 10) == []


def test_a_claim_without_a_move_leaves_the_position(recorder):
    position = recorder.max_tracking_id("DogSchool")

    with recorder.processing(TRACKING):
        pass

    assert recorder.max_tracking_id("DogSchool") == position


def test_the_position_is_written_once_and_notifications_without_events_cost_nothing(
    database, recorder
):
    with CaptureQueriesContext(connections[database]) as queries, recorder.processing(TRACKING):
        before = len(queries)
        for notification_id in range(21, 121):
            recorder.insert_events([], tracking=Tracking("DogSchool", notification_id))
        recorder.insert_tracking(Tracking("DogSchool", 121))
        assert len(queries) == before
        recorder.insert_events([stored_event()], tracking=Tracking("DogSchool", 122))

    # On MariaDB, one that tells of deadlocks.
    savepoints = [query for query in queries if query["sql"].startswith("SAVEPOINT")]
    assert len(savepoints) == (1 if database == "mariadb" else 0)
    moves = [q for q in queries if q["sql"].startswith("UPDATE") and "122" in q["sql"]]
    assert len(moves) == 1
    assert recorder.max_tracking_id("DogSchool") == 122


def test_the_position_is_told_as_it_will_be_to_the_thread_that_processes(recorder):
    position = recorder.max_tracking_id("DogSchool")

    with Elsewhere() as elsewhere, recorder.processing(TRACKING):
        assert recorder.max_tracking_id("DogSchool") == position
        recorder.insert_tracking(TRACKING)

        assert recorder.max_tracking_id("DogSchool") == 21
        assert recorder.max_tracking_id("CatSchool") is None
        assert elsewhere.do(recorder.max_tracking_id, "DogSchool") == position


def test_the_position_in_one_upstream_is_told_while_another_is_processed_within(process_recorder):
    process_recorder.insert_tracking(Tracking("DogSchool", 20))
    process_recorder.insert_tracking(Tracking("CatSchool", 3))

    with (
        process_recorder.processing(TRACKING, after=20, last=30),
        process_recorder.processing(Tracking("CatSchool", 4), after=3, last=9),
    ):
        assert process_recorder.max_tracking_id("DogSchool") == 20
        assert process_recorder.max_tracking_id("CatSchool") == 3


def test_a_notification_cannot_be_processed_twice_in_one_unit_of_work(recorder):
    def process_twice() -> None:
        with recorder.processing(TRACKING):
            recorder.insert_events([stored_event()], tracking=Tracking("DogSchool", 22))
            recorder.insert_events([], tracking=TRACKING)

    with pytest.raises(AlreadyProcessedError, match="been processed already: the position is 22"):
        process_twice()

    assert recorder.max_notification_id() is None


def test_refused_events_take_the_unit_of_work_along(database, recorder):
    event = stored_event()
    recorder.insert_events([event])
    position = recorder.max_tracking_id("DogSchool")

    def repeat() -> None:
        with recorder.processing(TRACKING):
            Group.objects.using(database).create(name="effect")
            recorder.insert_events([event], tracking=TRACKING)

    with pytest.raises(RecordConflictError, match=f"version 1 of {event.originator_id}"):
        repeat()

    assert Group.objects.using(database).count() == 0
    assert recorder.max_tracking_id("DogSchool") == position


@on("postgres")
@pytest.mark.parametrize("last", [None, TRACKING.notification_id])
def test_a_failed_statement_that_a_policy_catches_takes_the_unit_of_work_along(
    database, recorder, last
):
    """PostgreSQL then rolls back when it is told to commit, and says nothing."""
    position = recorder.max_tracking_id("DogSchool")
    called = []

    def catch() -> None:
        with recorder.processing(TRACKING, after=position or 0, last=last):
            recorder.on_commit(lambda: called.append("as if committed"))
            recorder.insert_tracking(TRACKING)
            with pytest.raises(db.DataError, match="division by zero"):
                Group.objects.using(database).extra(where=["1 / 0 = 1"]).first()

    with pytest.raises(ProgrammingError, match="'postgres' at an error that has been caught since"):
        catch()

    assert called == []
    assert recorder.max_tracking_id("DogSchool") == position


@on("mariadb")
@pytest.mark.parametrize("unit", ["processing", "reprocessing"])
def test_a_deadlock_that_a_policy_catches_takes_the_unit_of_work_along(database, recorder, unit):
    """All that was written before it has been rolled back by then."""
    position = recorder.max_tracking_id("DogSchool")
    groups = Group.objects.using(database).select_for_update()
    for name in ("first", "second"):
        Group.objects.using(database).create(name=name)
    is_mine = Event()

    def hold_the_second_until_the_first_is_held() -> None:
        with transaction.atomic(using=database):
            # The one that has written less is rolled back.
            Group.objects.using(database).bulk_create(Group(name=f"{n}") for n in range(100))
            list(groups.filter(name="second"))
            is_theirs.set()
            is_mine.wait(TIMEOUT)
            list(groups.filter(name="first"))

    def catch() -> None:
        with getattr(recorder, unit)(TRACKING):
            recorder.insert_events([stored_event()], tracking=TRACKING)
            list(groups.filter(name="first"))
            is_mine.set()
            with pytest.raises(db.OperationalError, match="Deadlock"):
                list(groups.filter(name="second"))
            Group.objects.using(database).create(name="effect")

    is_theirs = Event()
    with Elsewhere() as elsewhere:
        other = elsewhere.start(hold_the_second_until_the_first_is_held)
        assert is_theirs.wait(TIMEOUT)
        with pytest.raises(OperationalError) as raised:
            catch()
        other.result(TIMEOUT)

    assert str(raised.value) == (
        "Counters: database 'mariadb' has rolled back all that was written before a deadlock, and "
        "the policy has gone on.  HINT: Let errors of the database leave the policy: it is then "
        "called again."
    )
    assert not Group.objects.using(database).filter(name="effect").exists()
    assert recorder.max_tracking_id("DogSchool") == position
    assert selected(recorder, None, 10) == []


def test_refused_events_without_a_position_leave_the_unit_of_work(recorder):
    event = stored_event()
    recorder.insert_events([event])

    with recorder.processing(TRACKING):
        with pytest.raises(RecordConflictError):
            recorder.insert_events([event])
        recorder.insert_tracking(TRACKING)

    assert recorder.max_tracking_id("DogSchool") == 21


def test_a_policy_cannot_have_its_own_follower_process(recorder):
    with pytest.raises(RuntimeError) as raised, recorder.processing(TRACKING):
        recorder.processing(TRACKING).__enter__()

    assert str(raised.value) == (
        "Counters is processing DogSchool already. A policy cannot have its own follower process: "
        "let it return first."
    )


@pytest.mark.parametrize("notification_id", [21, 20])
def test_a_notification_that_has_been_processed_is_refused(process_recorder, notification_id):
    process(process_recorder)

    with pytest.raises(IntegrityError) as raised:
        process_recorder.processing(Tracking("DogSchool", notification_id)).__enter__()

    assert str(raised.value) == (
        f"Counters: notification {notification_id} of DogSchool has been processed already: "
        "the position is 21."
    )


@pytest.mark.parametrize("position", [3, 20])
def test_a_position_that_was_moved_since_the_reading_is_not_overwritten(process_recorder, position):
    process_recorder.insert_tracking(Tracking("DogSchool", position))

    with pytest.raises(AlreadyProcessedError) as raised:
        process_recorder.processing(TRACKING, after=10).__enter__()

    assert str(raised.value) == (
        f"Counters: notification 21 of DogSchool is not the next one: the position is {position}."
    )
    assert process_recorder.max_tracking_id("DogSchool") == position


@pytest.mark.parametrize("position", [None, 20])
def test_a_position_where_it_was_at_the_reading_is_claimed(process_recorder, position):
    if position is not None:
        process_recorder.insert_tracking(Tracking("DogSchool", position))

    with process_recorder.processing(TRACKING, after=position or 0):
        process_recorder.insert_tracking(TRACKING)

    assert process_recorder.max_tracking_id("DogSchool") == 21


def test_of_two_workers_the_second_is_refused(recorder):
    with Elsewhere() as first, Elsewhere() as second:
        held = recorder.processing(TRACKING)
        first.do(held.__enter__)
        pending = second.start(process, recorder)
        first.do(recorder.insert_tracking, TRACKING)
        first.do(held.__exit__, None, None, None)
        with pytest.raises(IntegrityError, match="has been processed already"):
            pending.result(timeout=30)

    assert recorder.max_tracking_id("DogSchool") == 21
    assert selected(recorder, None, 10) == []


def test_the_second_worker_takes_over_when_the_first_fails(recorder):
    claimed, go_on = Event(), Event()

    def fail() -> None:
        with recorder.processing(TRACKING):
            claimed.set()
            go_on.wait(timeout=30)
            raise ValueError("the policy's own")

    with Elsewhere() as first, Elsewhere() as second:
        failing = first.start(fail)
        claimed.wait(timeout=30)
        pending = second.start(process, recorder)
        go_on.set()
        with pytest.raises(ValueError, match="the policy's own"):
            failing.result(timeout=30)
        pending.result(timeout=30)

    assert recorder.max_tracking_id("DogSchool") == 21
    assert len(selected(recorder, None, 10)) == 1


def test_followers_and_upstreams_are_claimed_apart(database, factory, recorder):
    other = type(recorder)("OtherCounters", alias=database)

    process(recorder)
    process(recorder, Tracking("CatSchool", 21))
    process(other)

    assert TrackingRecord.objects.using(database).count() == 3
    assert len(selected(other, None, 10)) == 1


@on("postgres", "mariadb")
def test_followers_do_not_wait_for_each_other(database, recorder):
    names = ["AFollower", "Counter", "Counters2", "ZFollower"]
    if database == "mariadb":
        # Rows that the test before has left, deleted but not purged yet, would be locked as well.
        position = recorder.max_tracking_id("DogSchool")
        with connections[database].cursor() as cursor:
            cursor.execute(f"TRUNCATE TABLE {TrackingRecord._meta.db_table}")
        if position is not None:
            recorder.insert_tracking(Tracking("DogSchool", position))

    with Elsewhere() as elsewhere:
        held = recorder.processing(TRACKING)
        elsewhere.do(held.__enter__)
        for name in names:
            process(type(recorder)(name, alias=database))
        elsewhere.do(held.__exit__, None, None, None)

    assert TrackingRecord.objects.using(database).filter(application_name__in=names).count() == 4


def test_an_error_of_the_database_within_the_policy_goes_on_as_it_is(database, recorder):
    Group.objects.using(database).create(name="taken")

    with pytest.raises(db.IntegrityError), recorder.processing(TRACKING):
        Group.objects.using(database).create(name="taken")


@on("default", "postgres")
def test_an_error_of_the_commit_itself_is_translated(database, recorder):
    position = recorder.max_tracking_id("DogSchool")

    def break_a_constraint() -> None:
        with recorder.processing(TRACKING):
            recorder.insert_tracking(TRACKING)
            Permission.objects.using(database).create(content_type_id=2**30, codename="x")

    with pytest.raises(IntegrityError, match=f"Database '{database}'") as raised:
        break_a_constraint()

    assert isinstance(raised.value.__cause__, db.IntegrityError)
    assert recorder.max_tracking_id("DogSchool") == position
