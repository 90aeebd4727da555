"""Outages: what counts as one, and how long to wait for its end."""

import logging

import pytest
from django import db
from django.conf import settings
from django.db import connections

from django_eventsourcing.recorders import DjangoProcessRecorder
from django_eventsourcing.runners.outages import (
    Incident,
    Outage,
    OutageBackoff,
    close_connections,
    find_alias,
    is_outage,
)
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


def test_what_several_notice_at_once_is_one_incident():
    incident = Incident()

    assert [incident.begin(who) for who in ("a", "b")] == [logging.WARNING, logging.INFO]
    incident.end("a")
    assert incident.begin("c") == logging.INFO
    incident.end("b")
    incident.end("c")
    assert incident.begin("a") == logging.WARNING


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def incidents():
    return {"events": Incident(), "views": Incident()}


def test_one_that_waits_tells_it_once_and_knows_when_to_try_again(incidents):
    clock = Clock()
    outage = Outage(incidents, 5.0, clock)
    assert (outage.is_open, outage.remaining) == (False, 0.0)

    assert outage.note("events") == logging.WARNING
    assert (outage.is_open, outage.remaining) == (True, 0.25)
    clock.now += 1
    assert (outage.is_open, outage.remaining) == (True, 0.0)
    assert outage.note("events") is None
    assert outage.remaining == 0.5

    outage.end()
    assert (outage.is_open, outage.remaining) == (False, 0.0)
    assert outage.note("events") == logging.WARNING


def test_outages_of_two_databases_are_two_incidents(incidents):
    one, two = Outage(incidents, 5.0), Outage(incidents, 5.0)

    assert one.note("events") == logging.WARNING
    assert two.note("events") == logging.INFO
    assert one.note("views") == logging.WARNING
    two.end()
    assert two.note("events") == logging.WARNING


@pytest.mark.parametrize(
    ("met_at", "processed", "is_over"),
    [(None, None, True), (None, 3, True), (5, None, False), (5, 4, False), (5, 5, True)],
)
def test_one_is_over_where_it_was_met(incidents, met_at, processed, is_over):
    outage = Outage(incidents, 5.0)
    outage.note("events", met_at)

    assert outage.is_over_at(processed) is is_over


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


@pytest.mark.parametrize(
    ("state", "expected"), [("25P03", True), ("25P04", True), ("57014", False), ("XX000", False)]
)
def test_postgresql_ends_transactions_by_errors_of_other_classes(state, expected):
    psycopg = pytest.importorskip("psycopg")
    cause = psycopg.errors.lookup(state)("no")
    is_internal = isinstance(cause, psycopg.InternalError)
    error = (db.InternalError if is_internal else db.OperationalError)("no")
    error.__cause__ = cause

    assert is_outage(error) is expected


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


def test_the_database_that_an_error_was_about_is_known(database):
    close_connections()
    assert find_alias() is None

    with pytest.raises(db.Error), connections[database].cursor() as cursor:
        cursor.execute("SELECT 1 FROM missing_table")

    assert find_alias() == database
    close_connections()
    assert find_alias() is None


@pytest.mark.skipif("postgres" not in settings.DATABASES, reason="needs a second database")
@pytest.mark.django_db(transaction=True, databases=["default", "postgres"])
def test_of_several_errors_the_one_that_was_not_overcome_tells_it():
    close_connections()
    with pytest.raises(db.Error), connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM missing_table")
    cut_connection("postgres")
    with pytest.raises(db.Error), connections["postgres"].cursor() as cursor:
        cursor.execute("SELECT 1")

    assert find_alias() == "postgres"
    close_connections()


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
