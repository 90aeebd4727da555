"""Values: what every database keeps as it is, and errors for the rest before anything is saved."""

from decimal import Decimal
from uuid import UUID

import pytest
from django.utils.functional import SimpleLazyObject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_eventsourcing import current_metadata, event_metadata
from django_eventsourcing.metadata import (
    MAX_DEPTH,
    MAX_SIZE,
    EventReference,
    MetadataError,
    MetadataSizeError,
)
from django_eventsourcing.models import StoredEventRecord
from eventsourcing.conformance import stored_event

TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
# PostgreSQL has numbers without exponents: a float that is written with one comes back whole.
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e15, 1e15, allow_subnormal=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=4) | st.dictionaries(TEXTS, each, max_size=4)
)
KEYS = TEXTS.filter(lambda key: key not in {"correlation_id", "causation_id", "user"})


@pytest.mark.long_elsewhere("postgres", "mariadb")
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(values=st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_json_comes_back_from_the_table_and_with_the_notification(
    database, application_recorder, values
):
    with event_metadata(values):
        ids = application_recorder.insert_events([stored_event()])

    record = StoredEventRecord.objects.using(database).get(id=ids[0])
    (notification,) = application_recorder.select_notifications(ids[0], 1)
    assert record.metadata == values
    assert notification.metadata == values
    assert notification.recorded_at == record.recorded_at


def nested(levels):
    value = "leaf"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"order": UUID(int=7)},
            (
                "The metadata 'order' is of the type UUID, which JSON does not have. Give a text, such "
                "as str(value), a number, a truth value, None, or a list or dict of those."
            ),
        ),
        ({"price": Decimal("1.5")}, "The metadata 'price' is of the type Decimal, which JSON"),
        ({"a": {"b": [1, {2}]}}, "The metadata 'a.b[1]' is of the type set, which JSON does"),
        ({"a": b"x"}, "The metadata 'a' is of the type bytes, which JSON does not have."),
        (
            {"a": {1: 2}},
            (
                "The metadata 'a' has a key that is of the type int, and a key of JSON is a text. "
                "Give str(key)."
            ),
        ),
        ({7: 2}, "The metadata key 7 is of the type int, and a key of JSON is a text."),
        (
            {"a": "x\0y"},
            "The metadata 'a' contains a NUL, which PostgreSQL cannot keep. Remove it.",
        ),
        ({"x\0": 1}, r"The metadata key 'x\x00' contains a NUL"),
        ({"a": {"x\0": 1}}, "The metadata 'a' has a key that contains a NUL"),
        (
            {"a": ["\ud800"]},
            (
                "The metadata 'a[0]' contains half of a surrogate pair, which PostgreSQL cannot keep. "
                "Decode the text by errors='replace' where it comes from."
            ),
        ),
        (
            {"a": 2**63},
            (
                "The metadata 'a' is a whole number beyond 64 bits, which not every database keeps as "
                "it is. Give it as text."
            ),
        ),
        (
            {"a": float("nan")},
            "The metadata 'a' is nan, which JSON does not have. Give None or a text.",
        ),
        (
            {"a": nested(MAX_DEPTH)},
            "is nested deeper than 16 levels. Give it in a flatter form.",
        ),
        (
            {"user": True},
            (
                "The metadata 'user' is True of the type bool; it is to be a text that is not empty, "
                "or a whole number. Give that, or None to leave it out."
            ),
        ),
        ({"correlation_id": 7}, "'correlation_id' is 7 of the type int; it is to be a text that"),
        ({"causation_id": ""}, "'causation_id' is '' of the type str; it is to be a text that is"),
    ],
)
def test_what_cannot_be_kept_is_refused_on_entering(values, message):
    with pytest.raises(MetadataError) as raised, event_metadata(values):
        pytest.fail("entered")

    assert message in str(raised.value)
    assert current_metadata() == {}


def test_a_list_that_has_itself_is_refused():
    endless = []
    endless.append(endless)

    with pytest.raises(MetadataError, match="deeper than 16 levels"), event_metadata(a=endless):
        pytest.fail("entered")


def test_the_size_of_all_keys_together_is_limited():
    half = "x" * (MAX_SIZE // 2)

    with (
        event_metadata(one=half),
        pytest.raises(MetadataSizeError) as raised,
        event_metadata(two=half + "more", three=1),
    ):
        pytest.fail("entered")

    assert str(raised.value) == (
        "The metadata has 16,422 bytes as JSON, most of them in 'two'; with an event, 16,384 are "
        "kept at most. Keep large values elsewhere, and their id here."
    )


def test_values_are_copied_in_the_types_of_json():
    tags = ["a"]
    user = SimpleLazyObject(lambda: "ann")

    with event_metadata(tags=tags, pair=(1, 2), user=user):
        tags.append("b")
        found = current_metadata()
        current_metadata()["tags"].append("c")
        again = current_metadata()

    assert found == again == {"tags": ["a"], "pair": [1, 2], "user": "ann"}
    assert type(found["user"]) is str


def test_a_reference_is_read_as_it_is_written():
    reference = EventReference("Dog:School", 4711)

    assert str(reference) == "Dog:School:4711"
    assert EventReference.parse("Dog:School:4711") == reference


@pytest.mark.parametrize("text", ["", "DogSchool", ":7", "DogSchool:0", "A:x7", "A:" + "9" * 20, 7])
def test_other_texts_are_no_references(text):
    assert EventReference.parse(text) is None
