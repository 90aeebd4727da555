"""The order of commits: what each database has been given to keep it."""

from functools import partial
from types import SimpleNamespace

import pytest
from django import db
from django.core.management import call_command
from django.db import connections, transaction
from django.test.utils import isolate_apps

from django_eventsourcing import correlations
from django_eventsourcing.holders import gap_holders
from django_eventsourcing.models import AbstractStoredEvent, NotificationCounter, StoredEventRecord
from django_eventsourcing.ordering import AdvisoryLock, get_commit_order
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.recorders.application import next_look
from eventsourcing.conformance import selected, stored_event
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.persistence.test_commit_order import insert_by_plain_sql


def locks(alias, table) -> list[str]:
    """Return the modes in which the lock of the event table is held."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND classid = %s AND objid = %s::regclass::oid AND objsubid = 2",
            [AdvisoryLock.namespace, table],
        )
        return [mode for (mode,) in cursor.fetchall()]


def test_a_database_without_a_known_order_is_refused():
    oracle = SimpleNamespace(vendor="oracle", alias="default", display_name="Oracle")

    with pytest.raises(db.NotSupportedError) as raised:
        get_commit_order(oracle)

    assert str(raised.value) == (
        "Database 'default' is Oracle, whose commits cannot be kept in order. "
        "Use SQLite, PostgreSQL, MySQL or MariaDB."
    )


@on("postgres")
@pytest.mark.parametrize("insert", ["recorder", "plain SQL"])
def test_postgresql_shares_a_lock_from_the_first_event_to_the_commit(database, insert):
    table = StoredEventRecord._meta.db_table
    recorder = DjangoApplicationRecorder("DogSchool", alias=database)

    with Elsewhere() as elsewhere:
        held = OpenTransaction(elsewhere, database)
        assert locks(database, table) == []
        if insert == "recorder":
            elsewhere.do(recorder.insert_events, [stored_event()])
        else:
            elsewhere.do(insert_by_plain_sql, database)
        assert locks(database, table) == ["ShareLock"]
        held.commit()
        assert locks(database, table) == []


@on("mariadb")
def test_mariadb_draws_ids_above_those_that_came_from_elsewhere(database, application_recorder):
    (first,) = application_recorder.insert_events([stored_event()])
    event = stored_event()
    with connections[database].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {StoredEventRecord._meta.db_table} VALUES "
            f"(%s, 'CatSchool', %s, 1, 'topic', '', '{{}}', now())",
            [first + 10, event.originator_id],
        )

    ids = application_recorder.insert_events([stored_event(), stored_event()])

    assert ids == [first + 11, first + 12]


@on("mariadb")
def test_mariadb_goes_on_above_the_events_when_the_counter_is_lost(database, application_recorder):
    (first,) = application_recorder.insert_events([stored_event()])
    NotificationCounter.objects.using(database).all().delete()

    assert application_recorder.insert_events([stored_event()]) == [first + 1]


@on("mariadb")
def test_mariadb_takes_ids_back_with_a_savepoint(database, application_recorder):
    (first,) = application_recorder.insert_events([stored_event()])

    with transaction.atomic(using=database):
        with transaction.atomic(using=database):
            application_recorder.insert_events([stored_event()])
            transaction.set_rollback(True, using=database)
        assert application_recorder.insert_events([stored_event()]) == [first + 1]


@on("mariadb")
def test_mariadb_goes_on_above_a_given_id_whose_event_is_deleted(database, application_recorder):
    (first,) = application_recorder.insert_events([stored_event()])
    given = event_with_id(first + 10)
    given.save(using=database)
    given.delete(using=database)

    assert application_recorder.insert_events([stored_event()]) == [first + 11]


def event_with_id(id_):
    event = stored_event()
    return StoredEventRecord(
        id=id_,
        application_name="CatSchool",
        originator_id=event.originator_id,
        originator_version=event.originator_version,
        topic=event.topic,
        state=event.state,
    )


@pytest.mark.parametrize("insert", ["save", "bulk_create"])
def test_events_get_ids_above_those_that_were_given(database, application_recorder, insert):
    (first,) = application_recorder.insert_events([stored_event()])
    given = event_with_id(first + 10)
    if insert == "save":
        given.save(using=database)
    else:
        StoredEventRecord.objects.using(database).bulk_create([given])

    assert application_recorder.insert_events([stored_event()]) == [first + 11]


@on("postgres")
def test_an_id_that_is_given_is_waited_for_by_those_who_draw(database, application_recorder):
    (first,) = application_recorder.insert_events([stored_event()])

    with Elsewhere() as one, Elsewhere() as other:
        held = OpenTransaction(one, database)
        one.do(partial(event_with_id(first + 10).save, using=database))
        assert "ExclusiveLock" in locks(database, StoredEventRecord._meta.db_table)
        pending = other.start(application_recorder.insert_events, [stored_event()])
        held.commit()

        assert pending.result(timeout=30) == [first + 11]


def test_a_low_id_that_is_given_does_not_take_the_others_back(database, application_recorder):
    first, second = application_recorder.insert_events([stored_event(), stored_event()])
    StoredEventRecord.objects.using(database).filter(id=first).delete()
    event_with_id(first).save(using=database)

    assert application_recorder.insert_events([stored_event()]) == [second + 1]


def test_the_first_id_may_be_given(database, kennel_event):
    recorder = DjangoApplicationRecorder("Kennel", alias=database, model=kennel_event)
    record = recorder._record(stored_event())
    record.id = 1
    record.save(using=database)

    assert recorder.insert_events([stored_event()]) == [2]


@on("postgres")
def test_the_trigger_is_found_after_its_table_is_renamed(database, kennel_event):
    connection = connections[database]
    order = get_commit_order(connection)
    table = kennel_event._meta.db_table
    assert order.faults(connection, kennel_event) == []

    with connection.schema_editor() as editor:
        editor.alter_db_table(kennel_event, table, f"{table}_renamed")
    kennel_event._meta.db_table = f"{table}_renamed"
    try:
        assert order.faults(connection, kennel_event) == []
        check_that_a_gap_is_waited_for(database, kennel_event)
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(kennel_event, f"{table}_renamed", table)
        kennel_event._meta.db_table = table


@on("default", "mariadb")
def test_on_other_databases_nothing_is_waited_for(database, application_recorder):
    application_recorder.insert_events([stored_event()])

    assert application_recorder.watermark is None
    assert application_recorder.poll_interval == 0.5
    assert next_look(application_recorder, 10) == 10
    assert gap_holders(database, StoredEventRecord) == []


@on("postgres")
def test_gaps_of_a_projects_own_table_are_waited_for(database, kennel_event):
    check_that_a_gap_is_waited_for(database, kennel_event)


def check_that_a_gap_is_waited_for(alias, model) -> None:
    recorder = DjangoApplicationRecorder("Kennel", alias=alias, model=model)
    with Elsewhere() as elsewhere:
        held = OpenTransaction(elsewhere, alias)
        late = elsewhere.do(recorder.insert_events, [stored_event()])
        other = recorder.insert_events([stored_event()])
        assert selected(recorder, None, 10) == []
        assert len(gap_holders(alias, model)) == 1
        held.commit()
    assert selected(recorder, None, 10) == [*late, *other]


@on("postgres")
@pytest.mark.parametrize("state", ["DISABLE", "ENABLE REPLICA"])
def test_a_trigger_that_is_switched_off_is_a_fault(database, kennel_event, state):
    connection = connections[database]
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE tests_kennelevent {state} TRIGGER tests_kennelevent_commit_order"
        )

    (fault,) = get_commit_order(connection).faults(connection, kennel_event)

    assert fault.id == "W002"


@on("postgres")
def test_a_table_may_take_the_name_of_one_that_was_renamed(database, kennel_event):
    connection = connections[database]
    order = get_commit_order(connection)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tests_kennelevent RENAME TO tests_old_kennel")
        cursor.execute("CREATE TABLE tests_kennelevent (LIKE tests_old_kennel)")
    try:
        with connection.schema_editor() as editor:
            order.install(editor, "tests_kennelevent")
            order.uninstall(editor, "tests_kennelevent")
            order.install(editor, "tests_kennelevent")
        assert order.faults(connection, kennel_event) == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE tests_kennelevent")
            cursor.execute("ALTER TABLE tests_old_kennel RENAME TO tests_kennelevent")


@on("postgres")
def test_a_table_in_another_schema_has_its_order(database):
    with isolate_apps("tests"):

        class CatteryEvent(AbstractStoredEvent):
            class Meta(AbstractStoredEvent.Meta):
                app_label = "tests"
                db_table = 'cattery"."events'

    connection = connections[database]
    order = get_commit_order(connection)
    recorder = DjangoApplicationRecorder("Cattery", alias=database, model=CatteryEvent)
    with connection.schema_editor() as editor:
        editor.execute("CREATE SCHEMA cattery")
        editor.create_model(CatteryEvent)
        order.install(editor, CatteryEvent._meta.db_table)
    try:
        assert recorder.insert_events([stored_event(), stored_event()]) == [1, 2]
        assert order.faults(connection, CatteryEvent) == []
        with connection.schema_editor() as editor:
            order.uninstall(editor, CatteryEvent._meta.db_table)
        assert [fault.id for fault in order.faults(connection, CatteryEvent)] == ["W002"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA cattery CASCADE")


@pytest.fixture
def kennel_event(database):
    """Return a model of a project's own, its table made as its migration would."""
    with isolate_apps("tests"):

        class KennelEvent(AbstractStoredEvent):
            class Meta(AbstractStoredEvent.Meta):
                app_label = "tests"

    connection = connections[database]
    order = get_commit_order(connection)
    with connection.schema_editor() as editor:
        editor.create_model(KennelEvent)
        order.install(editor, KennelEvent._meta.db_table)
    yield KennelEvent
    with connection.schema_editor() as editor:
        order.uninstall(editor, KennelEvent._meta.db_table)
        editor.delete_model(KennelEvent)


def test_an_event_table_of_a_projects_own_has_an_order_of_its_own(database, kennel_event):
    recorder = DjangoApplicationRecorder("Kennel", alias=database, model=kennel_event)
    event = stored_event()

    with Elsewhere() as elsewhere:
        held = OpenTransaction(elsewhere, database)
        elsewhere.do(recorder.insert_events, [event])
        if connections[database].vendor != "sqlite":
            DjangoApplicationRecorder("Kennel", alias=database).insert_events([stored_event()])
        held.commit()

    assert recorder.select_events(event.originator_id) == [event]
    assert len(selected(recorder, None, 10)) == 1


def test_a_table_may_have_a_name_that_has_to_be_quoted(database):
    name = "Kennel's Events; --"
    with isolate_apps("tests"):

        class QuotedEvent(AbstractStoredEvent):
            class Meta(AbstractStoredEvent.Meta):
                app_label = "tests"
                db_table = name

    connection = connections[database]
    order = get_commit_order(connection)
    recorder = DjangoApplicationRecorder("Kennel", alias=database, model=QuotedEvent)
    with connection.schema_editor() as editor:
        editor.create_model(QuotedEvent)
        order.install(editor, name)
        correlations.install(editor, name)
    try:
        assert recorder.insert_events([stored_event(), stored_event()]) == [1, 2]
        assert selected(recorder, None, 10) == [1, 2]
        assert order.faults(connection, QuotedEvent) == []
        assert correlations.index_faults(connection, QuotedEvent) == []
    finally:
        with connection.schema_editor() as editor:
            correlations.uninstall(editor, name)
            order.uninstall(editor, name)
            editor.delete_model(QuotedEvent)


def test_the_migrations_can_be_undone_and_done_again(database):
    migrate = {"app_label": "django_eventsourcing", "database": database, "verbosity": 0}
    try:
        call_command("migrate", migration_name="zero", **migrate)

        assert not {
            table
            for table in connections[database].introspection.table_names()
            if table.startswith("django_eventsourcing_")
        }
    finally:
        # Of all apps: those that depend on this one have been undone with it.
        call_command("migrate", database=database, verbosity=0)
    assert DjangoApplicationRecorder("DogSchool", alias=database).insert_events([stored_event()])
