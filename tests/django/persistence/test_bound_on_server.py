"""Parameters that PostgreSQL binds itself: what is inserted and read is the same."""

from uuid import uuid4

import pytest
from django.db import connections

from django_eventsourcing.recorders import DjangoApplicationRecorder, DjangoProcessRecorder
from eventsourcing.conformance import stored_event, stream
from eventsourcing.persistence import RecordConflictError, Tracking
from tests.databases import on
from tests.django.own_models.models import LetterEvent

pytestmark = on("postgres")


@pytest.fixture(autouse=True)
def bound_on_server(database):
    """Have the server bind the parameters of all statements."""
    connection = connections[database]
    connection.close()
    options = connection.settings_dict["OPTIONS"]
    options["server_side_binding"] = True
    with connection.cursor() as cursor:
        assert "Server" in type(cursor.cursor).__name__
    yield
    connection.close()
    del options["server_side_binding"]


@pytest.mark.parametrize("number", [1, 3, 700])
def test_events_are_recorded_and_read(application_recorder, number):
    id_ = uuid4()
    events = [stored_event(id_, version * 10**9, state=b"\x00\xff") for version in range(number)]

    ids = application_recorder.insert_events(events, contexts=[{"user": "ann"}] * number)

    assert application_recorder.select_events(id_) == events
    assert application_recorder.select_events(id_, gt=0, lte=10**9, limit=1) == events[1:2]
    found = application_recorder.select_notifications(ids[0], 1000, ids[-1], [events[0].topic])
    assert [n.id for n in found] == ids
    assert found[0].metadata == {"user": "ann"}


def test_a_conflict_is_told(application_recorder):
    events = stream(1, 2)
    application_recorder.insert_events(events[1:])

    with pytest.raises(RecordConflictError):
        application_recorder.insert_events(events)


def test_ids_may_be_text(database):
    recorder = DjangoApplicationRecorder("Letters", alias=database, model=LetterEvent)
    events = stream(1, 2, originator_id="letter 1")

    recorder.insert_events(events)

    assert recorder.select_events("letter 1") == events


def test_positions_move(database):
    recorder = DjangoProcessRecorder("Counters", alias=database)

    with recorder.processing(Tracking("DogSchool", 1), after=0, last=2):
        recorder.insert_events([stored_event()], tracking=Tracking("DogSchool", 1))
        recorder.insert_tracking(Tracking("DogSchool", 2))

    assert recorder.max_tracking_id("DogSchool") == 2
