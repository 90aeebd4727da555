"""The JSON transcoder: compact, exact about types, and clear about what it does not know."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsourcing.persistence import (
    DatetimeAsISO,
    DecimalAsStr,
    JSONTranscoder,
    TranscodingNotRegisteredError,
    UUIDAsHex,
)


@pytest.fixture(scope="module")
def transcoder():
    transcoder = JSONTranscoder()
    for transcoding in (UUIDAsHex(), DecimalAsStr(), DatetimeAsISO()):
        transcoder.register(transcoding)
    return transcoder


def test_writes_compact_json_and_keeps_other_scripts_readable(transcoder):
    assert transcoder.encode({"name": "Žofie", "n": [1, None]}) == (
        '{"name":"Žofie","n":[1,null]}'.encode()
    )


def test_wraps_a_registered_type_with_its_name(transcoder):
    value = UUID("ffffffffffffffffffffffffffffffff")

    assert transcoder.encode(value) == (
        b'{"_type_":"uuid_hex","_data_":"ffffffffffffffffffffffffffffffff"}'
    )


def test_wraps_decimals_and_datetimes_by_their_wire_names(transcoder):
    moment = datetime(2011, 10, 11, 13, 45, 40, 276000, tzinfo=timezone(timedelta(hours=2)))

    assert transcoder.encode([Decimal("1.50"), moment]) == (
        b'[{"_type_":"decimal_str","_data_":"1.50"},'
        b'{"_type_":"datetime_iso","_data_":"2011-10-11T13:45:40.276000+02:00"}]'
    )


def test_refuses_a_type_without_transcoding(transcoder):
    with pytest.raises(TranscodingNotRegisteredError) as caught:
        transcoder.encode({"where": complex(1, 2)})

    assert str(caught.value) == (
        "(1+2j) of type builtins.complex cannot be stored: no transcoding is registered for the "
        "type. Define a Transcoding for it and register it in "
        "Application.register_transcodings()."
    )


def test_refuses_a_subclass_of_a_registered_type(transcoder):
    class Price(Decimal):
        """A decimal with a meaning, which would be lost."""

    with pytest.raises(TranscodingNotRegisteredError, match="Price cannot be stored"):
        transcoder.encode(Price("1"))


def test_refuses_stored_data_with_an_unknown_name(transcoder):
    with pytest.raises(TranscodingNotRegisteredError) as caught:
        transcoder.decode(b'{"_type_":"money","_data_":"1 EUR"}')

    assert str(caught.value) == (
        "Stored data has the type name 'money', for which no transcoding is registered. "
        "Register the Transcoding of that name in Application.register_transcodings()."
    )


def test_is_a_type_error_as_well():
    assert issubclass(TranscodingNotRegisteredError, TypeError)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.uuids()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.just(UTC)),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(values)
def test_any_registered_value_comes_back_equal(transcoder, value):
    assert transcoder.decode(transcoder.encode(value)) == value


def test_a_uuid_deep_inside_comes_back(transcoder):
    value = {"a": [{"b": uuid4()}]}

    assert transcoder.decode(transcoder.encode(value)) == value


class Ordered(JSONTranscoder):
    """Writes keys in order, and reads numbers with all their digits."""

    def __init__(self):
        super().__init__()
        self.encoder = json.JSONEncoder(default=self._encode_registered, sort_keys=True)
        self.decoder = json.JSONDecoder(
            object_hook=self._decode_registered, parse_float=Decimal, parse_int=Decimal
        )


def test_a_subclass_may_have_an_encoder_and_a_decoder_of_its_own():
    transcoder = Ordered()

    assert transcoder.encode({"b": 1, "a": 2}) == b'{"a": 2, "b": 1}'
    assert transcoder.decode(b"[0.10]") == [Decimal("0.10")]
    assert str(transcoder.decode(b"[0.10]")[0]) == "0.10"
