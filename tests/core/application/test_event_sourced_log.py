"""Event-sourced logs: events in sequence, without an aggregate."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from eventsourcing.application import Application, EventSourcedLog
from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import IntegrityError


class LoggedID(DomainEvent):
    aggregate_id: str


class Registry(Application):
    def __init__(self, env=None):
        super().__init__(env)
        self.log = EventSourcedLog(self.events, uuid4(), LoggedID)


@pytest.fixture
def registry():
    registry = Registry()
    for name in ("a", "b", "c"):
        registry.save(registry.log.trigger_event(aggregate_id=name))
    return registry


def test_events_follow_each_other(registry):
    events = list(registry.log.get())

    assert [e.aggregate_id for e in events] == ["a", "b", "c"]
    assert [e.originator_version for e in events] == [1, 2, 3]
    assert all(e.timestamp.tzinfo for e in events)


def test_the_first_and_the_last_can_be_had(registry):
    assert registry.log.get_first().aggregate_id == "a"
    assert registry.log.get_last().aggregate_id == "c"


def test_an_empty_log_has_neither():
    log = Registry().log

    assert (log.get_first(), log.get_last()) == (None, None)


def test_a_part_can_be_had(registry):
    assert [e.aggregate_id for e in registry.log.get(gt=1, lte=2)] == ["b"]
    assert [e.aggregate_id for e in registry.log.get(desc=True, limit=2)] == ["c", "b"]


def test_nothing_is_recorded_until_it_is_saved(registry):
    registry.log.trigger_event(aggregate_id="d")

    assert registry.log.get_last().aggregate_id == "c"


def test_a_version_given_by_the_caller_saves_a_look_and_may_conflict(registry):
    event = registry.log.trigger_event(next_originator_version=3, aggregate_id="d")

    with pytest.raises(IntegrityError):
        registry.save(event)


def test_a_time_given_by_the_caller_is_kept(registry):
    moment = datetime(2020, 1, 1, tzinfo=UTC)

    assert registry.log.trigger_event(aggregate_id="d", timestamp=moment).timestamp == moment
