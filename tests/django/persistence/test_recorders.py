"""Recorders: applications share tables, and statements go to the named database alone."""

from datetime import UTC, datetime

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_eventsourcing.models import StoredEventRecord, TrackingRecord
from django_eventsourcing.recorders import DjangoApplicationRecorder, DjangoProcessRecorder
from eventsourcing.conformance import selected, stored_event, stream
from eventsourcing.persistence import Tracking


@pytest.mark.parametrize("other_name", ["CatSchool", "dogschool", "DogSchool ", "Dogschööl", ""])
def test_applications_that_share_tables_see_their_own_events_alone(database, other_name):
    dogs = DjangoProcessRecorder("DogSchool", alias=database)
    others = DjangoProcessRecorder(other_name, alias=database)
    event = stored_event()

    (first,) = dogs.insert_events([event], tracking=Tracking("Kennel", 1))
    (second,) = others.insert_events([event], tracking=Tracking("Kennel", 2))

    assert first < second
    assert selected(dogs, None, 10) == [first]
    assert selected(others, None, 10) == [second]
    assert dogs.max_notification_id() == first
    assert dogs.max_tracking_id("Kennel") == 1


def test_many_events_go_in_one_insert(database, application_recorder):
    application_recorder.insert_events([stored_event()])

    with CaptureQueriesContext(connections[database]) as queries:
        application_recorder.insert_events(stream(*range(1, 51)))

    inserts = [query for query in queries if "INSERT INTO" in query["sql"]]
    assert len(inserts) == 1


def test_the_record_says_when_it_was_recorded_and_has_no_metadata(database, application_recorder):
    application_recorder.insert_events([stored_event()])

    record = StoredEventRecord.objects.using(database).get()

    assert record.recorded_at.utcoffset().total_seconds() == 0
    assert record.metadata == {}


class SearchableRecorder(DjangoApplicationRecorder):
    """Writes content of the caller's own in the same transaction."""

    def _insert_events(self, stored_events, **kwargs):
        self.content = kwargs["searchable_content"]
        assert connections[self.alias].in_atomic_block
        return super()._insert_events(stored_events, **kwargs)


def test_a_subclass_can_write_along_in_the_transaction(database):
    recorder = SearchableRecorder("DogSchool", alias=database)

    recorder.insert_events([stored_event()], searchable_content="Fido")

    assert recorder.content == "Fido"
    assert recorder.max_notification_id()


def test_positions_are_dated_by_the_clock_of_the_database(database, monkeypatch):
    wrong = datetime(1999, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: wrong)
    monkeypatch.setattr(TrackingRecord._meta.get_field("updated_at"), "_get_default", lambda: wrong)
    recorder = DjangoProcessRecorder("Counters", alias=database)
    times = TrackingRecord.objects.using(database).values_list("updated_at", flat=True)

    with transaction.atomic(using=database):
        recorder._lock("DogSchool")
    assert times.get().year > 2020

    for position in (1, 2):
        recorder.insert_tracking(Tracking("DogSchool", position))
        assert times.get().year > 2020
        times.update(updated_at=wrong)
