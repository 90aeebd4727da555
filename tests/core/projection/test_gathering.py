"""Gathering: what is collected is kept until somebody reads it, and is recorded in its order."""

from uuid import UUID, uuid4

import pytest

from eventsourcing.application import ProcessingEvent
from eventsourcing.persistence import Tracking
from eventsourcing.projection import gathering
from eventsourcing.projection.gathering import Gathered
from eventsourcing.system import SingleThreadedRunner
from tests.core.school import Counters, Dog, DogSchool, Tally, long_system


class Records:
    """Notes what is recorded, and refuses it when it is told to."""

    def __init__(self):
        self.found = []
        self.error = None

    def record(self, processing_event):
        if self.error is not None:
            raise self.error
        kwargs = processing_event.saved_kwargs
        self.found.append(
            (processing_event.tracking.notification_id, processing_event.events, kwargs)
        )


@pytest.fixture
def records():
    return Records()


@pytest.fixture
def gathered(records):
    contexts = iter("abcdef")
    return Gathered(records.record, lambda: next(contexts), lambda event: event)


def collected(notification_id: int, *events, **kwargs) -> ProcessingEvent:
    processing_event = ProcessingEvent(Tracking("DogSchool", notification_id))
    processing_event.collect_events(*events, **kwargs)
    return processing_event


def registered(id_: UUID | None = None):
    dog = Dog("Fido")
    (found,) = dog.collect_events()
    return type(found)(**{**vars(found), "originator_id": id_ or uuid4()})


def test_nothing_is_nothing(gathered, records):
    gathered.flush()
    gathered.before_read(uuid4())

    assert records.found == []


def test_what_is_kept_is_recorded_once_each_event_with_its_context(gathered, records):
    one, two, three = registered(), registered(), registered()
    gathered.add(collected(1, one, two))
    gathered.add(collected(2))
    gathered.add(collected(3, three))
    gathered.add(collected(4))

    gathered.flush()
    gathered.flush()

    assert records.found == [(4, [one, two, three], {"contexts": ["a", "a", "b"]})]


def test_a_position_alone_is_recorded_without_contexts(gathered, records):
    gathered.add(collected(1))
    gathered.add(collected(2))

    gathered.flush()

    assert records.found == [(2, [], {})]


def test_only_who_reads_what_is_kept_has_it_recorded(gathered, records):
    event = registered()
    gathered.add(collected(1, event))

    gathered.before_read(uuid4())
    assert records.found == []
    gathered.before_read(event.originator_id)
    gathered.before_read(event.originator_id)

    assert len(records.found) == 1


def test_no_more_is_kept_than_one_statement_inserts(gathered, records, monkeypatch):
    monkeypatch.setattr(gathering, "_MOST", 3)
    one, two, three, four = (registered() for _ in range(4))
    gathered.add(collected(1, one, two))
    assert records.found == []

    gathered.add(collected(2, three))
    assert records.found == [(2, [one, two, three], {"contexts": ["a", "a", "b"]})]

    gathered.add(collected(3, four))
    gathered.flush()
    assert records.found[1:] == [(3, [four], {"contexts": ["c"]})]


def test_what_has_arguments_is_recorded_by_itself(gathered, records):
    one, two, three = registered(), registered(), registered()
    gathered.add(collected(1, one))
    gathered.add(collected(2, two, mark=1))
    gathered.add(collected(3, three))
    gathered.flush()

    assert records.found == [
        (1, [one], {"contexts": ["a"]}),
        (2, [two], {"mark": 1}),
        (3, [three], {"contexts": ["b"]}),
    ]


def test_an_error_that_somebody_has_caught_is_raised_again(gathered, records):
    event = registered()
    gathered.add(collected(1, event))
    records.error = ValueError("cannot be recorded")
    with pytest.raises(ValueError, match="cannot be recorded"):
        gathered.before_read(event.originator_id)
    records.error = None

    gathered.add(collected(2, registered()))
    with pytest.raises(ValueError, match="cannot be recorded"):
        gathered.flush()

    assert records.found == []


def test_recorders_in_memory_keep_nothing_back():
    runner = SingleThreadedRunner(long_system)
    runner.start()
    school, counters = runner.get(DogSchool), runner.get(Counters)
    dog_id = school.register_dog("Fido")
    for trick in ("sit", "stay", "sit"):
        school.add_trick(dog_id, trick)

    assert counters.get_count("sit") == 2
    assert runner.get(Tally).get_total() == 3
    runner.stop()
