"""Reading: a look that fails leaves the transaction of the request as it was, and has its limit."""

from contextlib import nullcontext

import pytest
from django.db import DatabaseError, connections, transaction

from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.reading import (
    ReadTooLongError,
    in_one_line,
    limited_reading,
    separate_look,
)
from tests.databases import on
from tests.django.runners.servers import cut_connection

pytestmark = pytest.mark.long_elsewhere("postgres")


def test_a_look_that_fails_does_not_spoil_the_next(database):
    with transaction.atomic(using=database):
        with pytest.raises(DatabaseError), separate_look(database):
            connections[database].cursor().execute("SELECT * FROM no_such_table")

        assert list(StoredEventRecord.objects.using(database)) == []


def test_outside_a_transaction_none_is_opened(database):
    with separate_look(database):
        assert not connections[database].in_atomic_block


@pytest.mark.parametrize(
    ("error", "text"), [(ValueError("a\n  b"), "a b"), (ValueError(), "ValueError")]
)
def test_an_error_is_told_in_one_line(error, text):
    assert in_one_line(error) == text


ENDLESS = """
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
    SELECT SUM(a.n * b.n) FROM numbers a CROSS JOIN numbers b WHERE (a.n * b.n) %% 7 = 5
"""


def run(alias, statement):
    with connections[alias].cursor() as cursor:
        if connections[alias].vendor == "mysql":
            cursor.execute("SET SESSION max_recursive_iterations = 1000000")
        cursor.execute(statement.replace("%%", "%"))
        return cursor.fetchone()


def limit_in_force(alias):
    name = {"postgresql": "statement_timeout", "mysql": "max_statement_time"}
    vendor = connections[alias].vendor
    if vendor not in name:
        return None
    prefix = "SHOW " if vendor == "postgresql" else "SELECT @@SESSION."
    return run(alias, prefix + name[vendor])


@pytest.mark.parametrize("is_in_transaction", [False, True])
def test_a_look_that_takes_too_long_is_ended(database, is_in_transaction):
    before = limit_in_force(database)
    with transaction.atomic(using=database) if is_in_transaction else nullcontext():
        look = separate_look(database)
        with limited_reading(0.2), pytest.raises(ReadTooLongError) as refusal, look:
            run(database, ENDLESS)

        assert limit_in_force(database) == before
        assert StoredEventRecord.objects.using(database).first() is None

    assert str(refusal.value) == (
        f"Database {database!r} took longer than 0.2 s to answer, so the look was ended. Narrow "
        "what is asked for, or see what else the server is busy with."
    )
    assert limit_in_force(database) == before


def test_the_next_look_has_its_time(database):
    with limited_reading(30):
        with separate_look(database):
            assert run(database, "SELECT 1") == (1,)
        with separate_look(database):
            assert run(database, "SELECT 2") == (2,)

    assert not connections[database].in_atomic_block


@on("postgres")
def test_a_lower_limit_that_is_in_force_stays(database):
    with transaction.atomic(using=database):
        run_only(database, "SET LOCAL statement_timeout = '150ms'")
        with limited_reading(30), pytest.raises(ReadTooLongError), separate_look(database):
            run(database, ENDLESS)


@on("mariadb")
def test_a_lower_limit_that_is_in_force_stays_on_mariadb(database):
    run_only(database, "SET SESSION max_statement_time = 0.15")
    try:
        with limited_reading(30), pytest.raises(ReadTooLongError), separate_look(database):
            run(database, ENDLESS)
    finally:
        run_only(database, "SET SESSION max_statement_time = 0")


@on("postgres", "mariadb")
def test_a_database_that_goes_away_is_told_of_where_it_is_read(database):
    def look():
        with limited_reading(30), separate_look(database):
            cut_connection(database)
            run(database, "SELECT 1")

    with pytest.raises(DatabaseError):
        look()
    connections[database].close()

    assert run(database, "SELECT 1") == (1,)


def run_only(alias, statement):
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
