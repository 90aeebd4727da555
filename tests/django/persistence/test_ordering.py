"""The order of commits: what each database has been given to keep it."""

from types import SimpleNamespace

import pytest
from django import db
from django.core.management import call_command
from django.db import connections, transaction
from django.test.utils import isolate_apps

from django_eventsourcing.models import AbstractStoredEvent, NotificationCounter, StoredEventRecord
from django_eventsourcing.ordering import AdvisoryLock, get_commit_order
from django_eventsourcing.recorders import DjangoApplicationRecorder
from eventsourcing.conformance import selected, stored_event
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.persistence.test_commit_order import insert_by_plain_sql


def holds_lock(alias, table) -> bool:
    """Tell whether anyone holds the lock of the event table."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND classid = %s AND objid = %s::regclass::oid AND objsubid = 2",
            [AdvisoryLock.namespace, table],
        )
        return cursor.fetchone()[0] > 0


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
def test_postgresql_holds_a_lock_from_the_first_event_to_the_commit(database, insert):
    table = StoredEventRecord._meta.db_table
    recorder = DjangoApplicationRecorder("DogSchool", alias=database)

    with Elsewhere() as elsewhere:
        held = OpenTransaction(elsewhere, database)
        assert not holds_lock(database, table)
        if insert == "recorder":
            elsewhere.do(recorder.insert_events, [stored_event()])
        else:
            elsewhere.do(insert_by_plain_sql, database)
        assert holds_lock(database, table)
        held.commit()
        assert not holds_lock(database, table)


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
