"""Gaps on PostgreSQL: readers wait at them for whoever may fill them, and writers for nobody."""

import threading
import time
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.holders import GapHolder, gap_holders
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.ordering import AdvisoryLock
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.recorders.application import next_look
from eventsourcing.conformance import selected, stored_event
from eventsourcing.persistence import NotSupportedError
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.persistence.interleavings import forget
from tests.waiting import wait_until

pytestmark = on("postgres")


@pytest.fixture(autouse=True)
def _nothing_is_known(database):
    forget()


@pytest.fixture
def recorder(database):
    return DjangoApplicationRecorder("DogSchool", alias=database)


@pytest.fixture
def held(database, recorder):
    """Return a transaction that has recorded an event, which others have overtaken."""
    with Elsewhere() as elsewhere:
        held = OpenTransaction(elsewhere, database)
        (held.id,) = elsewhere.do(recorder.insert_events, [stored_event()])
        held.pid = elsewhere.do(lambda: pid_of(database))
        (held.overtaken_by,) = recorder.insert_events([stored_event()])
        yield held
        if held.is_open:
            held.roll_back()


def pid_of(alias) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def execute(alias, sql) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)


def test_an_event_beyond_a_gap_is_not_shown(recorder, held):
    for _ in range(50):
        assert selected(recorder, None, 10) == []
        assert recorder.settled_notification_id() is None
    assert recorder.max_notification_id() == held.overtaken_by


def test_a_table_of_the_same_name_elsewhere_is_another_table(database, recorder):
    recorder.insert_events([stored_event() for _ in range(3)])
    assert len(selected(recorder, None, 10)) == 3
    table = StoredEventRecord._meta.db_table
    execute(database, "CREATE SCHEMA another")
    try:
        execute(database, f"CREATE TABLE another.{table} (LIKE {table} INCLUDING ALL)")
        execute(database, "SET search_path = another, public")
        with Elsewhere() as elsewhere:
            elsewhere.do(execute, database, "SET search_path = another, public")
            held = OpenTransaction(elsewhere, database)
            (late,) = elsewhere.do(recorder.insert_events, [stored_event()])
            (other,) = recorder.insert_events([stored_event()])
            assert selected(recorder, None, 10) == []
            held.commit()

        assert (late, other) == (1, 2)
        assert selected(recorder, None, 10) == [1, 2]
    finally:
        execute(database, "SET search_path = public")
        execute(database, "DROP SCHEMA another CASCADE")


def test_a_table_that_was_emptied_begins_anew(database, recorder):
    recorder.insert_events([stored_event() for _ in range(3)])
    assert len(selected(recorder, None, 10)) == 3
    execute(database, f"TRUNCATE {StoredEventRecord._meta.db_table} RESTART IDENTITY")

    with Elsewhere() as elsewhere:
        held = OpenTransaction(elsewhere, database)
        (late,) = elsewhere.do(recorder.insert_events, [stored_event()])
        (other,) = recorder.insert_events([stored_event()])
        assert selected(recorder, None, 10) == []
        held.commit()

    assert selected(recorder, None, 10) == [late, other]


@pytest.mark.parametrize("end", ["commit", "roll_back"])
def test_when_the_holder_ends_what_is_committed_is_shown_at_once(recorder, held, end):
    assert selected(recorder, None, 10) == []

    getattr(held, end)()

    expected = [held.id, held.overtaken_by] if end == "commit" else [held.overtaken_by]
    assert selected(recorder, None, 10) == expected
    assert recorder.settled_notification_id() == held.overtaken_by


def test_the_gap_of_another_application_is_waited_for_too(database, held):
    other = DjangoApplicationRecorder("CatSchool", alias=database)
    other.insert_events([stored_event()])

    assert selected(other, None, 10) == []
    held.commit()
    assert len(selected(other, None, 10)) == 1


def test_a_start_is_no_way_past_a_gap(recorder, held):
    beyond = recorder.insert_events([stored_event()])

    assert selected(recorder, held.id, 10, inclusive_of_start=True) == []
    assert selected(recorder, None, 10, stop=beyond[0]) == []


def test_a_subscription_delivers_in_order_within_a_second(recorder, held):
    seen = []
    with recorder.subscribe() as subscription:
        thread = threading.Thread(
            target=lambda: seen.extend(next(subscription).id for _ in range(2)), daemon=True
        )
        thread.start()
        wait_until(lambda: recorder.poll_interval < 0.5, "the subscription has met the gap")
        assert seen == []
        held.commit()
        started = time.monotonic()
        wait_until(lambda: len(seen) == 2, "both events are delivered")
        thread.join()
    connections.close_all()

    assert time.monotonic() - started < 1
    assert seen == [held.id, held.overtaken_by]


def test_to_catch_up_takes_one_statement_for_each_batch(database, recorder):
    recorder.insert_events([stored_event() for _ in range(50)])
    (first, *_) = selected(recorder, None, 10)

    with CaptureQueriesContext(connections[database]) as queries:
        recorder.select_notifications(first, 20)

    assert len(queries) == 1


def test_a_log_with_a_gap_is_looked_at_sooner(recorder, held):
    assert next_look(recorder, 10) == 10

    selected(recorder, None, 10)

    assert next_look(recorder, 10) < 1
    held.commit()
    selected(recorder, None, 10)
    assert next_look(recorder, 10) == 10


def test_a_recorder_polls_as_often_as_it_is_set_to(recorder, held):
    recorder.poll_interval = 0.001
    selected(recorder, None, 10)

    assert recorder.poll_interval == 0.001


def test_writers_do_not_wait_for_a_transaction_that_has_recorded(database, recorder, held):
    with Elsewhere() as elsewhere:
        pending = elsewhere.start(recorder.insert_events, [stored_event()])

        assert pending.result(timeout=10) > [held.overtaken_by]


@pytest.mark.parametrize("order", ["row first", "event first"])
def test_rows_and_events_in_both_orders_do_not_end_in_a_deadlock(database, recorder, order):
    row = Group.objects.using(database).create(name="busy")

    def update():
        Group.objects.using(database).filter(pk=row.pk).update(name=str(uuid4()))

    with Elsewhere() as one, Elsewhere() as other:
        first, second = OpenTransaction(one, database), OpenTransaction(other, database)
        one.do(update)
        other.do(recorder.insert_events, [stored_event()])
        pending = other.start(update)
        one.do(recorder.insert_events, [stored_event()])
        first.commit()
        pending.result(timeout=10)
        second.commit()

    assert len(selected(recorder, None, 10)) == 2


def test_a_transaction_in_another_database_is_of_no_effect(database, recorder):
    with the_key_held_in_another_database(database):
        (before,) = recorder.insert_events([stored_event()])
        with transaction.atomic(using=database):
            recorder.insert_events([stored_event()])
            transaction.set_rollback(True, using=database)
        (after,) = recorder.insert_events([stored_event()])

        assert selected(recorder, None, 10) == [before, after]


@contextmanager
def the_key_held_in_another_database(alias):
    """Hold the lock by the same two numbers, in the database that is always there."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::regclass::oid::int4", [StoredEventRecord._meta.db_table])
        (oid,) = cursor.fetchone()
    parameters = connection.get_connection_params() | {"dbname": "postgres"}
    with connection.Database.connect(**parameters) as other:
        other.execute(f"SELECT pg_advisory_xact_lock_shared({AdvisoryLock.namespace}, {oid})")
        yield


def test_a_reader_sees_what_its_own_transaction_has_recorded(database, recorder):
    with transaction.atomic(using=database):
        with transaction.atomic(using=database):
            recorder.insert_events([stored_event()])
            transaction.set_rollback(True, using=database)
        ids = recorder.insert_events([stored_event(), stored_event()])

        assert selected(recorder, None, 10) == ids
        assert recorder.max_notification_id() == ids[-1]


def test_what_one_transaction_sees_of_its_own_is_not_shown_to_others(database, recorder):
    (before,) = recorder.insert_events([stored_event()])
    assert selected(recorder, None, 10) == [before]

    with Elsewhere() as elsewhere:
        with transaction.atomic(using=database):
            (own,) = recorder.insert_events([stored_event()])
            assert selected(recorder, None, 10) == [before, own]
            (after,) = elsewhere.do(recorder.insert_events, [stored_event()])
            assert selected(recorder, None, 10) == [before, own, after]
            assert elsewhere.do(selected, recorder, None, 10) == [before]
        assert elsewhere.do(selected, recorder, None, 10) == [before, own, after]


def test_a_reader_in_a_transaction_is_held_up_by_others(database, recorder, held):
    with transaction.atomic(using=database):
        recorder.insert_events([stored_event()])

        assert selected(recorder, None, 10) == []


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_transaction_that_does_not_see_new_commits_is_refused(database, recorder, level):
    recorder.insert_events([stored_event()])

    with transaction.atomic(using=database):
        with connections[database].cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        with pytest.raises(NotSupportedError) as raised:
            recorder.select_notifications(None, 10)

    assert str(raised.value) == (
        f"Database 'postgres': notifications cannot be read at the isolation level "
        f"'{level.lower()}': what is committed meanwhile would not be seen, and passed by. "
        f"Read them at 'read committed'."
    )


def test_a_transaction_at_another_level_is_refused_far_behind_the_watermark(database, recorder):
    recorder.insert_events([stored_event() for _ in range(5)])
    assert len(selected(recorder, None, 10)) == 5

    with transaction.atomic(using=database):
        with connections[database].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(NotSupportedError):
            recorder.select_notifications(None, 2)


def test_whoever_holds_a_gap_is_named(database, held):
    (holder,) = gap_holders(database, StoredEventRecord)

    assert holder.pid == held.pid
    assert 0 <= holder.seconds < 30
    assert holder.state == "idle in transaction"
    assert str(holder) == f"held by pid {held.pid} for {holder.seconds:.0f} s"


def test_nobody_is_named_while_nothing_is_waited_for(database, recorder, held):
    selected(recorder, None, 10)
    held.commit()

    assert gap_holders(database, StoredEventRecord) == []


def test_a_transaction_that_nobody_has_overtaken_holds_nothing_up(database, recorder):
    recorder.insert_events([stored_event()])
    selected(recorder, None, 10)

    with Elsewhere() as elsewhere:
        late = OpenTransaction(elsewhere, database)
        elsewhere.do(recorder.insert_events, [stored_event()])
        assert gap_holders(database, StoredEventRecord) == []
        late.commit()


def test_a_prepared_transaction_is_told_in_words(database):
    holder = GapHolder(pid=None, seconds=None, state="", application_name="")

    assert str(holder) == "held by a prepared transaction"


def test_a_session_that_is_idle_in_transaction_is_ended_by_the_servers_time_out(
    database, recorder, held
):
    with Elsewhere() as elsewhere:
        idle = OpenTransaction(elsewhere, database)
        elsewhere.do(recorder.insert_events, [stored_event()])
        elsewhere.do(set_time_out, database)
        (last,) = recorder.insert_events([stored_event()])
        held.commit()

        wait_until(lambda: last in selected(recorder, None, 10), "the idle session has ended")
        elsewhere.do(lambda: connections[database].close())
        del idle

    assert selected(recorder, None, 10) == [held.id, held.overtaken_by, last]


def set_time_out(alias) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 100")
