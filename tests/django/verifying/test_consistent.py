"""One look: what others commit meanwhile is not seen, and they are not kept from it."""

from threading import Thread

import pytest
from django.db import OperationalError, connections, transaction

from django_eventsourcing.verifying.consistent import can_write_within, one_look
from django_eventsourcing.verifying.errors import VerifyError
from tests.databases import on
from tests.django.own_models.models import TrickCount

TABLES = [TrickCount._meta.db_table]


def commit_elsewhere(database):
    def commit():
        TrickCount.objects.using(database).create(trick="sit", count=1)
        connections.close_all()

    thread = Thread(target=commit)
    thread.start()
    thread.join()


def count(database):
    return TrickCount.objects.using(database).count()


def test_what_others_commit_is_not_seen_until_the_end(database):
    with one_look(database, TABLES):
        assert count(database) == 0
        commit_elsewhere(database)
        assert count(database) == 0

    assert count(database) == 1


def test_nothing_of_what_is_written_remains(database):
    with one_look(database, TABLES):
        TrickCount.objects.using(database).create(trick="beg", count=1)
        if can_write_within(database):
            commit_elsewhere(database)
        assert count(database) == 1

    assert not TrickCount.objects.using(database).filter(trick="beg").exists()


def test_the_next_transaction_is_as_they_are_otherwise(database):
    with one_look(database, TABLES):
        count(database)

    with transaction.atomic(using=database):
        if can_write_within(database):
            assert count(database) == 0
            commit_elsewhere(database)
            assert count(database) == 1
        TrickCount.objects.using(database).create(trick="beg", count=1)
    assert TrickCount.objects.using(database).filter(trick="beg").exists()


@on("postgres")
def test_nobody_truncates_the_tables_meanwhile(database):
    errors = []

    def truncate():
        with connections[database].cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
            try:
                cursor.execute(f"TRUNCATE {TABLES[0]}")
            except OperationalError as error:
                errors.append(str(error))
        connections.close_all()

    with one_look(database, TABLES):
        thread = Thread(target=truncate)
        thread.start()
        thread.join()

    assert "lock timeout" in errors[0]


def test_a_transaction_that_is_open_is_refused(database):
    with (
        transaction.atomic(using=database),
        pytest.raises(VerifyError) as caught,
        one_look(database, TABLES),
    ):
        pass

    assert str(caught.value) == (
        f"Database {database!r} is in a transaction, whose look at it may be old.  HINT: Verify "
        "outside of it."
    )
