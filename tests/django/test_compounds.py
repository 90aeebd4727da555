"""Several statements go to PostgreSQL at once, and have their effects all or none."""

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction

from django_eventsourcing.compounds import select_at_once, select_guarded, takes_compounds
from tests.databases import on
from tests.django.read_models.models import Trick

TABLE = f'"{Trick._meta.db_table}"'
INSERT = f"INSERT INTO {TABLE} (name, level) VALUES (%s, 1) RETURNING name"


def names(alias):
    return sorted(Trick.objects.using(alias).values_list("name", flat=True))


def test_postgresql_takes_them_with_the_default_settings(database):
    connection = connections[database]

    assert takes_compounds(connection) is (connection.vendor == "postgresql")


@on("postgres")
def test_they_are_sent_one_by_one_where_statements_are_watched(database):
    def watch(execute, *args):
        return execute(*args)

    with connections[database].execute_wrapper(watch):
        assert not takes_compounds(connections[database])

    watch.takes_compounds = True
    with connections[database].execute_wrapper(watch):
        assert takes_compounds(connections[database])


@on("postgres")
@pytest.mark.parametrize("option", ["server_side_binding", "cursor_factory"])
def test_they_are_sent_one_by_one_where_the_server_may_bind_parameters(database, option):
    options = connections[database].settings_dict["OPTIONS"]
    options[option] = True
    try:
        assert not takes_compounds(connections[database])
    finally:
        del options[option]


@on("postgres")
def test_the_rows_are_those_of_the_last_statement(database):
    rows = select_at_once(database, [INSERT, "SELECT 1, %s"], ["sit", 2])

    assert rows == [(1, 2)]
    assert names(database) == ["sit"]


@on("postgres")
def test_outside_a_transaction_a_failure_takes_all_along(database):
    with pytest.raises(DatabaseError):
        select_at_once(database, [INSERT, "SELECT 1 / 0"], ["sit"])

    assert names(database) == []
    assert not connections[database].in_atomic_block


@on("postgres")
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_failure_leaves_the_transaction_as_it_was(database, depth):
    def fail(deeper):
        if deeper:
            with transaction.atomic(using=database):
                fail(deeper - 1)
        with pytest.raises(DatabaseError):
            select_guarded(database, [INSERT, "SELECT 1 / 0"], ["beg"])
        select_guarded(database, [INSERT], [f"after {deeper}"])

    with transaction.atomic(using=database):
        Trick.objects.using(database).create(name="sit")
        fail(depth)

    assert names(database) == [*(f"after {n}" for n in range(depth + 1)), "sit"]


@on("postgres")
def test_no_savepoint_is_left_behind(database):
    with transaction.atomic(using=database):
        select_guarded(database, [INSERT], ["sit"])
        with pytest.raises(DatabaseError):
            select_guarded(database, ["SELECT 1 / 0"], [])
        with pytest.raises(DatabaseError), transaction.atomic(using=database):
            connections[database].cursor().execute("RELEASE SAVEPOINT django_eventsourcing")

    assert names(database) == ["sit"]


@on("postgres")
def test_a_transaction_that_is_broken_stays_so(database):
    with transaction.atomic(using=database):
        Trick.objects.using(database).create(name="sit")
        with pytest.raises(DatabaseError):
            connections[database].cursor().execute("SELECT 1 / 0")
        for name in ("beg", "roll over"):
            with pytest.raises(DatabaseError):
                select_guarded(database, [INSERT], [name])
            assert connections[database].needs_rollback

    assert names(database) == []


@on("postgres")
def test_an_error_is_one_of_django(database):
    with transaction.atomic(using=database), pytest.raises(IntegrityError):
        select_guarded(database, [f"INSERT INTO {TABLE} (name) VALUES (NULL)"], [])


@on("postgres")
def test_what_cannot_be_sent_leaves_the_transaction_as_it_was(database):
    with transaction.atomic(using=database):
        select_guarded(database, [INSERT], ["sit"])
        with pytest.raises(DatabaseError, match="cannot adapt"):
            select_guarded(database, [INSERT], [object()])
        select_guarded(database, [INSERT], ["beg"])

    assert names(database) == ["beg", "sit"]
