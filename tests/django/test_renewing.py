"""Renewing: a thread that polls keeps its connection, and loses no time with one that is lost."""

import pytest
from django.db import connections, transaction

from django_eventsourcing.renewing import LONGEST_AGE, renew_connection, renew_connections
from tests.databases import on
from tests.django.runners.servers import cut_connection

pytestmark = pytest.mark.long_elsewhere("postgres")


@pytest.fixture
def connection(database):
    """Return a connection that has just been opened, with Django's default ``CONN_MAX_AGE``."""
    connection = connections[database]
    connection.close()
    connection.ensure_connection()
    assert connection.settings_dict["CONN_MAX_AGE"] == 0
    yield connection
    connection.close()


def ask(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()


def test_a_connection_is_kept_though_requests_would_close_it(connection):
    before = connection.connection

    for _ in range(3):
        renew_connections()
        ask(connection)

    assert connection.connection is before
    connection.close_if_unusable_or_obsolete()
    assert connection.connection is None


def test_one_that_is_old_is_closed(connection):
    connection.close_at -= LONGEST_AGE

    renew_connection(connection)

    assert connection.connection is None


def test_one_that_may_be_older_still_is_kept_for_as_long(connection, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", LONGEST_AGE * 2)
    before = connection.connection
    connection.close_at += LONGEST_AGE

    renew_connection(connection)
    assert connection.connection is before

    connection.close_at -= LONGEST_AGE
    renew_connection(connection)
    assert connection.connection is None


def test_one_that_is_to_be_kept_for_good_is(connection):
    before = connection.connection
    connection.close_at = None

    renew_connection(connection)

    assert connection.connection is before
    assert connection.close_at is None


@on("postgres", "mariadb")
def test_one_that_is_lost_between_two_looks_is_opened_anew(connection, database):
    before = connection.connection
    cut_connection(database)

    renew_connection(connection)

    assert ask(connection) == (1,)
    assert connection.connection is not before


def test_one_in_a_transaction_is_left_alone(connection, database):
    with transaction.atomic(using=database):
        before = connection.connection
        connection.close_at -= LONGEST_AGE

        renew_connection(connection)

        assert connection.connection is before


def test_one_of_a_pool_is_given_back(connection, monkeypatch):
    with monkeypatch.context() as pooled:
        pooled.setitem(connection.settings_dict, "OPTIONS", {"pool": True})
        pooled.setattr(connection, "_close", lambda: None)

        renew_connection(connection)

    assert connection.connection is None


def test_one_that_was_never_opened_stays_so(connection):
    connection.close()

    renew_connection(connection)

    assert connection.connection is None
