"""Exclusive order: a setting lets one transaction at a time record events on PostgreSQL."""

import pytest
from django.db import connections

from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.ordering.exclusive import is_exclusive
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.registry import reset
from eventsourcing.conformance import selected
from tests.databases import on
from tests.django.own_models.models import DogEvent
from tests.django.own_models.school import values
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.persistence.test_commit_order import (
    insert_by_bulk_create,
    insert_by_recorder,
    insert_by_save,
)
from tests.waiting import wait_until

INSERTS = [insert_by_recorder, insert_by_save, insert_by_bulk_create]


@pytest.fixture(autouse=True)
def _forget():
    yield
    reset()


@pytest.fixture
def exclusive(settings, database):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.core.school.system",
            "DATABASE": database,
            "COMMIT_ORDER": "exclusive",
        }
    }


def waiters(alias) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return cursor.fetchone()[0]


@on("postgres")
@pytest.mark.parametrize("insert", INSERTS)
def test_a_writer_waits_for_the_one_before(database, exclusive, insert):
    with Elsewhere() as one, Elsewhere() as other:
        held = OpenTransaction(one, database)
        first = one.do(insert_by_recorder, database)
        pending = other.start(insert, database)
        wait_until(lambda: waiters(database) == 1, "the second writer waits")
        held.commit()
        second = pending.result(timeout=30)

    recorder = DjangoApplicationRecorder("DogSchool", alias=database)
    assert selected(recorder, None, 10) == [first, second]


@on("postgres")
@pytest.mark.parametrize("insert", INSERTS)
def test_writers_that_wait_do_not_wait_for_each_other_for_ever(database, exclusive, insert):
    with Elsewhere() as one, Elsewhere() as two, Elsewhere() as three:
        held = OpenTransaction(one, database)
        first = one.do(insert_by_recorder, database)
        pending = [other.start(insert, database) for other in (two, three)]
        wait_until(lambda: waiters(database) == 2, "both writers wait")
        held.commit()
        others = [each.result(timeout=30) for each in pending]

    recorder = DjangoApplicationRecorder("DogSchool", alias=database)
    assert selected(recorder, None, 10) == [first, *sorted(others)]


@on("postgres")
@pytest.mark.parametrize("insert", INSERTS)
def test_unless_it_is_set_writers_wait_for_nobody(database, insert):
    with Elsewhere() as one, Elsewhere() as other:
        held = OpenTransaction(one, database)
        first = one.do(insert, database)
        assert other.start(insert, database).result(timeout=30) > first
        held.commit()


def test_it_holds_for_the_tables_of_the_system_alone(settings, database):
    settings.EVENTSOURCING = {"default": values(DATABASE=database, COMMIT_ORDER="exclusive")}

    assert is_exclusive(database, DogEvent)
    # Its follower has no table of its own.
    assert is_exclusive(database, StoredEventRecord)
    assert not is_exclusive("elsewhere", DogEvent)


def test_it_is_read_anew_when_the_settings_change(settings):
    settings.EVENTSOURCING = {"default": values(COMMIT_ORDER="exclusive")}
    assert is_exclusive("default", DogEvent)

    settings.EVENTSOURCING = {"default": values()}

    assert not is_exclusive("default", DogEvent)


@pytest.mark.parametrize(
    "setting",
    [{"default": {"COMMIT_ORDER": "exclusive"}}, [], {"default": values(COMMIT_ORDER=3)}],
)
def test_settings_with_faults_keep_nobody_from_writing(settings, setting):
    settings.EVENTSOURCING = setting

    assert not is_exclusive("default", DogEvent)


@on("default", "mariadb")
def test_other_databases_have_their_own_order(database, exclusive):
    assert insert_by_recorder(database) < insert_by_save(database)
