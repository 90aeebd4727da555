"""Timestamps: in UTC, or in the zone that the process asks for when the first time is taken."""

from datetime import UTC, timedelta, timezone

import pytest

from eventsourcing.domain import (
    Aggregate,
    ProgrammingError,
    create_utc_datetime_now,
    datetime_now_with_tzinfo,
)
from eventsourcing.domain.timestamps import process_tzinfo
from eventsourcing.topics import TopicError

NEPAL = timezone(timedelta(hours=5, minutes=45))


@pytest.fixture(autouse=True)
def _as_in_a_new_process():
    process_tzinfo.cache_clear()
    yield
    process_tzinfo.cache_clear()


def test_time_is_in_utc_by_default(monkeypatch):
    monkeypatch.delenv("TZINFO_TOPIC", raising=False)

    assert datetime_now_with_tzinfo().tzinfo is UTC


def test_zone_is_read_when_the_first_time_is_taken(monkeypatch):
    monkeypatch.setenv("TZINFO_TOPIC", f"{__name__}:NEPAL")

    assert datetime_now_with_tzinfo().utcoffset() == timedelta(hours=5, minutes=45)
    assert Aggregate().created_on.tzinfo is NEPAL


def test_topic_of_something_else_is_refused(monkeypatch):
    monkeypatch.setenv("TZINFO_TOPIC", "datetime:timedelta")

    with pytest.raises(ProgrammingError, match="TZINFO_TOPIC is 'datetime:timedelta', which is"):
        datetime_now_with_tzinfo()


def test_topic_of_nothing_is_refused(monkeypatch):
    monkeypatch.setenv("TZINFO_TOPIC", "datetime:nothing")

    with pytest.raises(TopicError, match="Topic 'datetime:nothing' cannot be resolved"):
        datetime_now_with_tzinfo()


def test_old_name_is_deprecated():
    with pytest.warns(DeprecationWarning, match="Use datetime_now_with_tzinfo"):
        assert create_utc_datetime_now().tzinfo
