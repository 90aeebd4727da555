"""Prepared statements: whatever is asked for, in whichever order, the answer is the right one."""

from uuid import UUID

import pytest
from django.db import models
from django.test.utils import isolate_apps
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_eventsourcing.models import AbstractStoredEvent, StoredEventRecord
from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.recorders import DjangoApplicationRecorder
from eventsourcing.conformance import stored_event
from eventsourcing.persistence import Tracking
from eventsourcing.popo import POPOApplicationRecorder
from tests.django.own_models.models import LetterEvent
from tests.django.persistence.elsewhere import Elsewhere

VERSIONS = (-3, 0, 1, 2, 3, 5, 2**62, 2**63 - 1)
TOPICS = ("school:Dog.Registered", "school:Dog.TrickAdded", "100% of 'it'")
FIDO, REX = UUID(int=1), UUID(int=2)
"""The first is what a query of the ORM's has had once, before it was prepared."""
EVENTS = [
    stored_event(id_, version, TOPICS[number % 3], b"%d" % number)
    for number, (id_, version) in enumerate((i, v) for v in VERSIONS for i in (FIDO, REX))
]

with isolate_apps("tests.django.own_models"):

    class Hiding(models.Manager.from_queryset(StoredEventQuerySet)):
        """Leaves out, at each time, what is hidden then."""

        hidden = set()

        def get_queryset(self):
            return super().get_queryset().exclude(topic__in=self.hidden)

    class HiddenEvent(AbstractStoredEvent):
        """Has a manager that hides some of the events."""

        objects = Hiding()

        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"
            db_table = StoredEventRecord._meta.db_table


with_one_database = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
bounds = st.none() | st.integers(-5, 7) | st.sampled_from([*VERSIONS, 2**63, 2**70, -(2**70)])
limits = st.none() | st.integers(0, 5) | st.just(10**9)


@pytest.fixture
def recorder(database):
    recorder = DjangoApplicationRecorder("DogSchool", alias=database)
    DjangoApplicationRecorder("CatSchool", alias=database).insert_events(EVENTS)
    recorder.insert_events(EVENTS)
    return recorder


@with_one_database
@given(
    st.sampled_from([FIDO, REX, UUID(int=3)]),
    st.fixed_dictionaries({"gt": bounds, "lte": bounds, "desc": st.booleans(), "limit": limits}),
)
@example(FIDO, {"gt": -1, "lte": -2, "desc": True, "limit": 1})
@example(FIDO, {"gt": -2, "lte": -1, "desc": False, "limit": None})
def test_any_part_of_a_stream_is_read_as_from_memory(recorder, originator_id, selection):
    memory = POPOApplicationRecorder()
    memory.insert_events(EVENTS)

    found = recorder.select_events(originator_id, **selection)

    assert found == memory.select_events(originator_id, **selection)


@with_one_database
@given(
    st.none() | st.integers(-2, 20) | st.sampled_from([2**63 - 1, 2**63, 2**70, -(2**70)]),
    st.integers(0, 6) | st.just(10**9),
    st.none() | st.integers(-2, 20) | st.sampled_from([2**63 - 1, 2**63, 2**70, -(2**70)]),
    st.lists(st.sampled_from([*TOPICS, "school:Dog.Flown"]), max_size=2),
    st.booleans(),
    st.sampled_from([None, 1, 4, 100]),
)
def test_any_part_of_the_log_is_read_as_it_was_written(
    recorder, start, limit, stop, topics, inclusive_of_start, page_max_bytes
):
    recorder.page_max_bytes = page_max_bytes
    ids = list(
        StoredEventRecord.objects.using(recorder.alias)
        .of("DogSchool")
        .order_by("id")
        .values_list("id", flat=True)
    )
    first = ids[0] - 1
    start = start if start is None or abs(start) > 20 else first + start
    stop = stop if stop is None or abs(stop) > 20 else first + stop

    found = recorder.select_notifications(
        start, limit, stop, topics, inclusive_of_start=inclusive_of_start
    )

    expected = [
        (id_, event)
        for id_, event in zip(ids, EVENTS, strict=True)
        if (start is None or id_ > start or (inclusive_of_start and id_ == start))
        and (stop is None or id_ <= stop)
        and (not topics or event.topic in topics)
    ][:limit]
    # A page may end with its bytes, but has something if there is anything.
    if page_max_bytes is not None:
        assert bool(found) is bool(expected)
        expected = expected[: len(found)]
    assert [(n.id, n.originator_id, n.originator_version, n.topic, n.state) for n in found] == [
        (id_, e.originator_id, e.originator_version, e.topic, e.state) for id_, e in expected
    ]


def test_a_manager_is_asked_each_time_what_there_is(database):
    recorder = DjangoApplicationRecorder("DogSchool", alias=database, model=HiddenEvent)
    recorder.insert_events(EVENTS)
    Hiding.hidden = {TOPICS[0]}
    found = [e.topic for e in recorder.select_events(FIDO)]
    found += [n.topic for n in recorder.select_notifications(None, 100)]
    assert set(found) == set(TOPICS[1:])

    Hiding.hidden = {TOPICS[1]}
    found = [e.topic for e in recorder.select_events(FIDO)]
    found += [n.topic for n in recorder.select_notifications(None, 100)]

    assert set(found) == {TOPICS[0], TOPICS[2]}


def test_more_different_limits_than_are_kept(recorder):
    for limit in [*range(130), *range(130)]:
        assert len(recorder.select_events(FIDO, limit=limit)) == min(limit, 8)
        assert len(recorder.select_notifications(None, limit)) == min(limit, 16)


def test_what_one_thread_has_prepared_serves_another(recorder):
    before = recorder.select_events(FIDO, gt=0), recorder.select_notifications(None, 5)

    with Elsewhere() as elsewhere:
        found = (
            elsewhere.do(lambda: recorder.select_events(FIDO, gt=0)),
            elsewhere.do(recorder.select_notifications, None, 5),
        )
        other = elsewhere.do(lambda: recorder.select_events(REX, gt=1))

    assert found == before
    assert other == recorder.select_events(REX, gt=1)


@pytest.mark.parametrize(
    "name", ["Letters", "the originator", str(UUID(int=1)), UUID(int=1).hex, "-1"]
)
def test_the_name_of_an_application_may_be_anything(database, name):
    letters = DjangoApplicationRecorder(name, alias=database, model=LetterEvent)
    dogs = DjangoApplicationRecorder(name, alias=database)
    written = [stored_event(id_, 1) for id_ in ("the originator", "another", name, "-1")]
    written = list({event.originator_id: event for event in written}.values())
    letters.insert_events(written)
    dogs.insert_events(EVENTS)

    for event in written:
        assert letters.select_events(event.originator_id) == [event]
        assert letters.select_events(event.originator_id, gt=0, lte=1, limit=1) == [event]
    assert len(dogs.select_events(REX)) == 8
    assert len(dogs.select_notifications(None, 5)) == 5


@pytest.mark.parametrize("name", ["DogSchool", "-1", "-2"])
def test_positions_of_each_upstream_are_their_own(process_recorder, name):
    process_recorder.insert_tracking(Tracking(name, 3))
    process_recorder.insert_tracking(Tracking("CatSchool", 5))

    with process_recorder.processing(Tracking(name, 4), after=3, last=9):
        process_recorder.insert_tracking(Tracking(name, 9))

    assert process_recorder.max_tracking_id(name) == 9
    assert process_recorder.max_tracking_id("CatSchool") == 5
    assert process_recorder.max_tracking_id("Nobody") is None
