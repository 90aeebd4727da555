"""Outages: what counts as one, and how long to wait for its end."""

import pytest
from django import db
from django.db import connections

from django_eventsourcing.recorders import DjangoProcessRecorder
from django_eventsourcing.runners.outages import OutageBackoff, close_connections, is_outage
from eventsourcing import persistence
from eventsourcing.persistence import Tracking
from tests.django.runners.servers import cut_connection, locked_out


def test_the_waits_double_up_to_the_longest_and_begin_anew():
    backoff = OutageBackoff(first=1, longest=5)

    assert not backoff.is_open
    assert [backoff.next() for _ in range(5)] == [1, 2, 4, 5, 5]
    assert backoff.is_open
    backoff.end()
    assert (backoff.is_open, backoff.next()) == (False, 1)


@pytest.mark.parametrize("error", [ValueError("lost"), db.IntegrityError(), db.ProgrammingError()])
def test_other_errors_are_none(error):
    assert not is_outage(error)


def test_a_lock_in_the_way_is_one():
    error = locked_out()

    assert is_outage(error)
    assert is_outage(error.__cause__)


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57P05", "08006"])
def test_postgresql_tells_by_its_states(state):
    psycopg = pytest.importorskip("psycopg")
    error = db.OperationalError("no")
    error.__cause__ = psycopg.errors.lookup(state)("no")

    assert is_outage(error)


@pytest.mark.parametrize("code", [1205, 1213, 2006])
def test_mysql_tells_by_its_codes(code):
    assert is_outage(db.OperationalError(code, "no"))


@pytest.mark.parametrize("error_class", [db.OperationalError, persistence.OperationalError])
def test_a_word_in_the_text_is_none(error_class):
    assert not is_outage(error_class("no such table: warehouse_block"))


def test_a_table_that_is_not_there_is_none_whatever_its_name(database):
    with pytest.raises(db.Error) as caught, connections[database].cursor() as cursor:
        cursor.execute("SELECT 1 FROM warehouse_block")

    assert not is_outage(caught.value)


def test_a_lost_connection_is_one(database):
    cut_connection(database)

    with pytest.raises(db.Error) as caught, connections[database].cursor() as cursor:
        cursor.execute("SELECT 1")
    close_connections()

    assert is_outage(caught.value)


def test_a_connection_lost_in_a_transaction_is_one_as_the_recorders_tell_it(database):
    recorder = DjangoProcessRecorder("Counters", alias=database)

    with pytest.raises(persistence.OperationalError) as caught:
        _lose_the_connection_in_a_transaction(database, recorder)
    close_connections()

    assert is_outage(caught.value)


def _lose_the_connection_in_a_transaction(alias, recorder):
    tracking = Tracking("DogSchool", 1)
    with recorder.processing(tracking):
        cut_connection(alias)
        recorder.insert_events([], tracking=tracking)


def test_connections_that_are_lost_can_be_closed(database):
    cut_connection(database)

    close_connections()

    assert connections[database].connection is None


def test_a_fault_of_a_statement_is_none(database):
    with pytest.raises(db.Error) as caught, connections[database].cursor() as cursor:
        cursor.execute("SELECT 1 FROM missing_table")

    assert not is_outage(caught.value)


@pytest.mark.parametrize("engine", ["postgresql", "mysql", "sqlite3"])
def test_a_connection_that_cannot_be_made_is_one(engine, tmp_path, django_db_blocker):
    pytest.importorskip({"postgresql": "psycopg", "mysql": "MySQLdb", "sqlite3": "sqlite3"}[engine])
    values = {**connections["default"].settings_dict, "OPTIONS": {}}
    name = str(tmp_path / "no" / "file") if engine == "sqlite3" else "school"
    values |= {"NAME": name, "HOST": "127.0.0.1", "PORT": "1"}
    backend = db.utils.load_backend(f"django.db.backends.{engine}")

    with django_db_blocker.unblock(), pytest.raises(db.OperationalError) as caught:
        backend.DatabaseWrapper(values, "other").ensure_connection()

    assert is_outage(caught.value)
