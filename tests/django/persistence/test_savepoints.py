"""Savepoints: what is recorded in one that is rolled back is lost; anything else is not."""

import pytest
from django.db import connections, transaction

from django_eventsourcing.compounds import GUARD
from django_eventsourcing.recorders.savepoints import Savepoints
from tests.databases import on


@pytest.fixture
def savepoints(database):
    savepoints = Savepoints()
    with transaction.atomic(using=database), connections[database].execute_wrapper(savepoints):
        yield savepoints


@pytest.fixture
def execute(database):
    return lambda sql: connections[database].cursor().execute(sql)


def record(savepoints, is_anything=True):
    savepoints.noting(lambda: is_anything)()


def test_what_is_recorded_before_a_savepoint_is_not_lost_with_it(savepoints, execute):
    record(savepoints)
    execute("SAVEPOINT one")
    execute("ROLLBACK TO SAVEPOINT one")

    assert not savepoints.is_anything_lost


def test_what_is_recorded_within_is_lost(savepoints, execute):
    execute("SAVEPOINT one")
    record(savepoints)
    execute("rollback to one")

    assert savepoints.is_anything_lost


def test_what_is_recorded_within_one_that_is_released_is_lost_with_the_outer_one(
    savepoints, execute
):
    execute("SAVEPOINT one")
    execute("SAVEPOINT two")
    record(savepoints)
    execute("RELEASE SAVEPOINT two")
    assert not savepoints.is_anything_lost

    execute("ROLLBACK TO SAVEPOINT one")

    assert savepoints.is_anything_lost


def test_where_nothing_was_recorded_nothing_is_lost(savepoints, execute):
    execute("SAVEPOINT one")
    record(savepoints, is_anything=False)
    execute("ROLLBACK TO SAVEPOINT one")

    assert not savepoints.is_anything_lost


def test_one_that_was_made_before_anybody_looked_loses_all(database):
    savepoints = Savepoints()
    with transaction.atomic(using=database):
        connections[database].cursor().execute("SAVEPOINT own")
        with connections[database].execute_wrapper(savepoints):
            record(savepoints)
            connections[database].cursor().execute("ROLLBACK TO SAVEPOINT own")

    assert savepoints.is_anything_lost


@pytest.mark.parametrize("before", ["/* of a\nrequest */ ", "-- of a request\n", " \n"])
def test_a_comment_may_come_before_the_words(savepoints, before):
    savepoints(lambda sql: None, f"{before}SAVEPOINT one")
    record(savepoints)
    savepoints(lambda sql: None, f"{before}ROLLBACK TO SAVEPOINT one")

    assert savepoints.is_anything_lost


@on("postgres")
def test_statements_may_be_composed(savepoints, database):
    from psycopg import sql

    cursor = connections[database].cursor()
    cursor.execute(sql.SQL("SAVEPOINT {}").format(sql.Identifier("one")))
    record(savepoints)
    cursor.execute(sql.SQL("ROLLBACK TO {}").format(sql.Identifier("one")))

    assert savepoints.is_anything_lost


@on("default", "postgres")
def test_of_two_that_have_a_name_the_last_is_meant(savepoints, execute):
    execute("SAVEPOINT one")
    record(savepoints)
    execute("SAVEPOINT one")
    execute("ROLLBACK TO SAVEPOINT one")
    assert not savepoints.is_anything_lost

    execute("RELEASE SAVEPOINT one")
    execute("ROLLBACK TO SAVEPOINT one")

    assert savepoints.is_anything_lost


def test_a_name_may_be_given_again(savepoints, execute):
    execute("SAVEPOINT one")
    execute("RELEASE SAVEPOINT one")
    record(savepoints)
    execute("SAVEPOINT one")
    execute("ROLLBACK TO SAVEPOINT one")

    assert not savepoints.is_anything_lost


def test_what_guards_a_statement_takes_nothing_along(savepoints, execute):
    record(savepoints)
    execute(f"SAVEPOINT {GUARD}")
    execute(f"ROLLBACK TO SAVEPOINT {GUARD}")

    assert not savepoints.is_anything_lost
