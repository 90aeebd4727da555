"""Savepoints: what is recorded in one that is rolled back is lost; anything else is not."""

import pytest
from django.db import connections, transaction

from django_eventsourcing.recorders.savepoints import Savepoints


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
