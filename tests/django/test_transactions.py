"""Transactions: which the calling thread has open, and which are still to be committed."""

from django.db import connections, transaction
from django.test import TestCase

from django_eventsourcing.transactions import is_to_be_committed, open_transactions
from tests.django.persistence.elsewhere import Elsewhere


def aliases():
    return [connection.alias for connection in open_transactions()]


def test_a_block_is_open_until_it_ends(database):
    connection = connections[database]
    assert (aliases(), is_to_be_committed(connection)) == ([], False)

    with transaction.atomic(using=database):
        assert (aliases(), is_to_be_committed(connection)) == ([database], True)

    assert (aliases(), is_to_be_committed(connection)) == ([], False)


def test_those_of_other_threads_are_theirs(database):
    with Elsewhere() as elsewhere, transaction.atomic(using=database):
        assert elsewhere.do(aliases) == []


def test_without_autocommit_there_is_one_in_no_block(database):
    connection = connections[database]
    connection.set_autocommit(False)
    try:
        assert (aliases(), is_to_be_committed(connection)) == ([database], True)
    finally:
        connection.rollback()
        connection.set_autocommit(True)


def test_a_connection_is_not_opened_for_the_question(database):
    with Elsewhere() as elsewhere:
        assert elsewhere.do(lambda: connections[database].connection) is None
        assert elsewhere.do(lambda: is_to_be_committed(connections[database])) is False
        assert elsewhere.do(aliases) == []
        assert elsewhere.do(lambda: connections[database].connection) is None


class InATestCase(TestCase):
    """What Django puts around a test is open, and nobody's to commit."""

    def test_only_blocks_of_the_test_are_to_be_committed(self):
        connection = connections["default"]
        assert (aliases(), is_to_be_committed(connection)) == (["default"], False)

        with transaction.atomic():
            assert is_to_be_committed(connection)
