"""Reading: a look that fails leaves the transaction of the request as it was."""

import pytest
from django.db import DatabaseError, connections, transaction

from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.reading import in_one_line, separate_look


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
