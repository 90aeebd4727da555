"""Failures: whatever an error holds, there is a text of it that every database keeps."""

import pytest

from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.problems import LONGEST_ERROR, LONGEST_TRACEBACK
from django_eventsourcing.runners.failures import Failure


class UnspeakableError(Exception):
    """Raises when it is asked for its text."""

    def __str__(self):
        raise RuntimeError("no words")


def failure_of(error):
    try:
        raise error
    except type(error):
        return Failure.of(error)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no \x00"), "ValueError: no \\x00"),
        (ValueError("no \udc80"), "ValueError: no \\udc80"),
        (
            UnspeakableError(),
            "UnspeakableError: its text cannot be told, which raises RuntimeError",
        ),
        (ValueError("a" * 100_000), f"ValueError: {'a' * (LONGEST_ERROR - 12)}"),
    ],
)
def test_every_failure_can_be_put_on_record(database, error, text):
    failure = failure_of(error)

    assert failure.error == text
    assert len(failure.traceback) <= LONGEST_TRACEBACK
    FollowerRecord.objects.using(database).create(
        application_name="Counters", error=failure.error, traceback=failure.traceback
    )
    kept = FollowerRecord.objects.using(database).get()
    assert (kept.error, kept.traceback) == (failure.error, failure.traceback)
