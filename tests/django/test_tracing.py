"""Traces: every event once, below its cause, from all applications and databases."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_eventsourcing.correlations import has_index
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.tracing import TracedEvent, TracedLog, arranged, read_trace
from eventsourcing.conformance import stored_event
from tests.django.own_models.models import DogEvent, LetterEvent

pytestmark = pytest.mark.long_elsewhere("default")

START = datetime(2026, 1, 1, tzinfo=UTC)


def event(number, cause="", *, application="Dogs", database="default"):
    return TracedEvent(
        id=number,
        application=application,
        database=database,
        originator_id="fido",
        originator_version=number,
        topic="school:Dog.Registered",
        recorded_at=START + timedelta(seconds=number),
        metadata={"causation_id": cause} if cause else {},
    )


def outline(nodes):
    return [(node.event.reference, node.depth, node.cause) for node in nodes]


@st.composite
def forests(draw):
    """Return, for each event, the number of its cause: a lower one, or 0 for none."""
    size = draw(st.integers(1, 40))
    return [draw(st.integers(0, n)) for n in range(size)]


def depths(causes):
    found = {0: -1}
    for number, cause in enumerate(causes, 1):
        found[number] = found[cause] + 1
    return found


@given(forests(), st.randoms(use_true_random=False))
def test_every_event_is_there_once_below_its_cause(causes, random):
    events = [event(n, f"Dogs:{cause}" if cause else "") for n, cause in enumerate(causes, 1)]
    random.shuffle(events)

    nodes = arranged(events)

    assert {node.event.id: node.depth for node in nodes} == {
        n: depth for n, depth in depths(causes).items() if n
    }
    assert len(nodes) == len(causes)
    above: dict[int, int] = {}
    for node in nodes:
        above[node.depth] = node.event.id
        assert causes[node.event.id - 1] == (above[node.depth - 1] if node.depth else 0)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=12))
def test_whatever_causes_say_each_event_is_there_once(causes):
    nodes = arranged(event(n, f"Dogs:{cause}") for n, cause in enumerate(causes, 1))

    assert Counter(node.event.id for node in nodes) == Counter(range(1, len(causes) + 1))


def test_a_long_chain_is_no_trouble():
    nodes = arranged(event(n, f"Dogs:{n - 1}") for n in range(1, 5_001))

    assert [node.depth for node in nodes] == list(range(5_000))


def test_causes_that_go_round_begin_with_the_first():
    nodes = arranged(
        [event(1, "Dogs:3"), event(2, "Dogs:1"), event(3, "Dogs:2"), event(4, "Dogs:4")]
    )

    assert outline(nodes) == [
        ("Dogs:1", 0, "round"),
        ("Dogs:2", 1, ""),
        ("Dogs:3", 2, ""),
        ("Dogs:4", 0, "round"),
    ]


def test_an_event_whose_cause_is_elsewhere_is_a_root():
    assert outline(arranged([event(1), event(2, "Cats:7"), event(3, "no reference")])) == [
        ("Dogs:1", 0, ""),
        ("Dogs:2", 0, "missing"),
        ("Dogs:3", 0, "missing"),
    ]


def test_of_two_events_of_one_reference_that_in_the_same_database_is_the_cause():
    ours, other = event(1, database="b"), event(1, database="a")

    nodes = arranged([ours, other, event(2, "Dogs:1", database="b")])

    assert [(node.event.database, node.depth) for node in nodes] == [("a", 0), ("b", 0), ("b", 1)]


def record(alias, metadata, application="Dogs", model=StoredEventRecord):
    made = stored_event()
    saved = model.objects.using(alias).create(
        application_name=application,
        originator_id=str(made.originator_id) if model is LetterEvent else made.originator_id,
        originator_version=1,
        topic=made.topic,
        state=made.state,
        metadata=metadata,
    )
    return f"{application}:{saved.id}"


@pytest.fixture
def logs(database):
    return [TracedLog("Dogs", database, StoredEventRecord), TracedLog("Cats", database, DogEvent)]


def test_a_correlation_id_leads_through_all_applications(database, logs):
    first = record(database, {"correlation_id": "one"})
    second = record(database, {"correlation_id": "one", "causation_id": first}, "Cats", DogEvent)
    third = record(database, {"correlation_id": "one", "causation_id": second})
    record(database, {"correlation_id": "two"})
    record(database, {"correlation_id": "one"}, "Strangers")

    trace = read_trace("one", logs)

    assert outline(trace.events) == [(first, 0, ""), (second, 1, ""), (third, 2, "")]
    assert (trace.is_cut, trace.unindexed) == (False, [])
    assert [node.event.reference for node in trace.caused_by(first)] == [second]


def test_an_event_without_a_correlation_id_leads_what_followed_from_it(database, logs):
    first = record(database, {})
    second = record(database, {"correlation_id": first, "causation_id": first})

    found = [outline(read_trace(text, logs).events) for text in (first, second)]

    assert found == [[(first, 0, ""), (second, 1, "")]] * 2


def test_the_trace_of_an_event_is_that_of_its_correlation_id(database, logs):
    first = record(database, {"correlation_id": "one"})
    second = record(database, {"correlation_id": "one", "causation_id": first})
    # It names an event as its correlation, which has one of its own.
    record(database, {"correlation_id": first})

    trace = read_trace(second, logs)

    assert trace.correlation_id == "one"
    assert outline(trace.events) == [(first, 0, ""), (second, 1, "")]


def test_it_is_cut_and_the_event_that_was_asked_for_is_there(database, logs):
    *_, last = [record(database, {"correlation_id": "one"}) for _ in range(5)]

    trace = read_trace(last, logs, limit=3)

    assert trace.is_cut
    assert len(trace.events) == 4
    assert trace.find(last) is not None


def test_a_table_without_the_index_is_searched_in_part_and_that_is_told(database):
    assert not has_index(database, LetterEvent)
    letter = record(database, {"correlation_id": "one"}, "Letters", LetterEvent)
    record(database, {"correlation_id": "two"}, "Letters", LetterEvent)

    trace = read_trace("one", [TracedLog("Letters", database, LetterEvent)])

    assert outline(trace.events) == [(letter, 0, "")]
    assert trace.unindexed == ["Letters"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "\ud800",
        "' OR 1=1 --",
        "Dogs:9223372036854775808",
        "Dogs:0",
        "Dogs:-1",
        "Strangers:1",
        "x" * 20_000,
    ],
)
def test_what_nobody_has_recorded_has_no_events(database, logs, text):
    record(database, {"correlation_id": "one"})

    assert read_trace(text, logs).events == []
