"""Transcoding: what is read and written quickly is what the standard library reads and writes."""

import json
import math
from collections import OrderedDict
from datetime import UTC
from decimal import Decimal
from enum import IntEnum

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventsourcing.application import Application
from eventsourcing.persistence import JSONTranscoder, Transcoding


class Pair:
    """A value whose data has values of other registered types, and of its own."""

    def __init__(self, first, second):
        self.both = [first, second]

    def __eq__(self, other):
        return type(other) is Pair and _same(self.both, other.both)

    def __hash__(self):
        return 1


class PairAsList(Transcoding):
    type = Pair
    name = "pair"

    def encode(self, obj):
        return obj.both

    def decode(self, data):
        return Pair(*data)


class Word:
    """A value that is read as the text of its data, which may be the name of a type."""


class WordAsText(Transcoding):
    type = Word
    name = "word"

    def encode(self, obj):
        return "pair"

    def decode(self, data):
        if not isinstance(data, str):
            raise LookupError(data)
        return data


def _transcoder(*, is_fast: bool) -> JSONTranscoder:
    transcoder = JSONTranscoder()
    Application.register_transcodings(None, transcoder)
    transcoder.register(PairAsList())
    transcoder.register(WordAsText())
    if is_fast:
        pytest.importorskip("msgspec")
    else:
        transcoder._read = None
    return transcoder


@pytest.fixture(scope="module", params=[True, False], ids=["msgspec", "json"])
def transcoder(request):
    return _transcoder(is_fast=request.param)


def _same(one, other) -> bool:
    """Tell whether two values are equal, are of the same types, and have their keys in order."""
    # Not by recursion: they may be nested more deeply than Python calls itself.
    pairs = [(one, other)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, dict):
            if list(one) != list(other):
                return False
            pairs += [(one[key], other[key]) for key in one]
        elif isinstance(one, list | tuple):
            if len(one) != len(other):
                return False
            pairs += zip(one, other, strict=True)
        elif isinstance(one, float):
            is_nan = math.isnan(one) and math.isnan(other)
            if math.copysign(1, one) != math.copysign(1, other) or not (one == other or is_nan):
                return False
        elif one != other:
            return False
    return True


def outcome(call):
    """Return the result, or the type of the error."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - which one it is, is compared
        return type(error)


def assert_read_alike(transcoder: JSONTranscoder, data: bytes) -> None:
    expected = outcome(lambda: transcoder.decoder.decode(data.decode("utf8")))

    assert _same(outcome(lambda: transcoder.decode(data)), expected)


texts = st.text(max_size=4) | st.text(st.characters(categories=["Cs", "Ll"]), max_size=2)
names = st.sampled_from(["uuid_hex", "decimal_str", "datetime_iso", "pair", "word", "none"])
keys = st.sampled_from(["_type_", "_data_"]) | texts
plain = st.none() | st.booleans() | st.integers() | st.floats() | texts | names
trees = st.recursive(
    plain | st.integers(-(10**40), 10**40),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.fixed_dictionaries({"_type_": names | inner, "_data_": inner})
        | st.fixed_dictionaries({"_data_": inner, "_type_": names})
        | st.fixed_dictionaries({"_type_": st.just("pair"), "_data_": st.lists(inner, min_size=2)})
    ),
    max_leaves=12,
)


FORMS = st.fixed_dictionaries({"ensure_ascii": st.booleans(), "indent": st.sampled_from([None, 1])})


@given(trees, FORMS)
@example({"_type_": {"_type_": "word", "_data_": "pair"}, "_data_": [1, 2]}, {})
@example({"_type_": {"_type_": "word", "_data_": "word"}, "_data_": "text"}, {})
@example({"_type_": "pair", "_data_": [{"_type_": "word", "_data_": ""}, []]}, {})
@example({"_type_": "word", "_data_": {"_type_": "word", "_data_": "a"}}, {})
@example([{"_type_": "uuid_hex"}, {"_data_": "a"}, {"_type_": "a", "_data_": 1, "b": 2}], {})
def test_any_json_is_read_as_the_standard_library_reads_it(transcoder, tree, form):
    text = json.dumps(tree, **form)

    assert_read_alike(transcoder, text.encode(errors="surrogatepass"))


@given(trees, st.data())
def test_damage_is_the_same_error(transcoder, tree, data):
    whole = bytearray(json.dumps(tree, ensure_ascii=False).encode(errors="surrogatepass"))
    for _ in range(data.draw(st.integers(1, 2))):
        position = data.draw(st.integers(0, len(whole)))
        put = data.draw(st.binary(max_size=1) | st.sampled_from([b'"', b"{", b"]", b"\\", b"1"]))
        whole[position : position + data.draw(st.integers(0, 2))] = put

    assert_read_alike(transcoder, bytes(whole))


@given(st.binary(max_size=6))
def test_any_bytes_are_the_same_error_or_value(transcoder, data):
    assert_read_alike(transcoder, data)


@pytest.mark.parametrize(
    "data",
    [
        *(b"NaN", b"-Infinity", b"1E400", b"-0", b"-0.0", b"1" + b"0" * 5000, b" [1 ]\n", b"1 2"),
        *(
            b"",
            b"\xef\xbb\xbf1",
            b'"\xed\xa0\x80"',
            b'"\\ud800"',
            b'"a\nb"',
            b"01",
            b"[1,]",
            b"\x00",
        ),
        *(b"[" * depth + b"]" * depth for depth in (400, 5_000, 100_000)),
        *(b'{"a":' * depth + b"1" + b"}" * depth for depth in (100, 5_000)),
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_unusual_is_read_alike(transcoder, data):
    assert_read_alike(transcoder, data)


class Level(IntEnum):
    """A subclass of a type of JSON."""

    HIGH = 3


registered = st.uuids() | st.decimals(allow_nan=False) | st.datetimes(timezones=st.just(UTC))
values = st.recursive(
    plain | registered | st.just(Level.HIGH) | st.just(complex(1)) | st.builds(Word),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(keys | st.integers() | st.none() | st.floats(), inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=2).map(OrderedDict)
        | st.builds(Pair, inner, inner)
    ),
    max_leaves=12,
)


@given(values)
def test_any_value_is_written_as_the_standard_library_writes_it(transcoder, value):
    expected = outcome(lambda: transcoder.encoder.encode(value).encode("utf8"))

    assert outcome(lambda: transcoder.encode(value)) == expected


def test_what_contains_itself_is_refused_alike(transcoder):
    value = {"list": []}
    value["list"].append(value)

    for encode in (transcoder.encode, transcoder.encoder.encode):
        with pytest.raises(ValueError, match="Circular reference detected"):
            encode(value)


def test_registered_types_within_each_other_come_back(transcoder):
    value = {"a": [Pair(Pair(Decimal(1), ["b"]), {"c": Pair(1, Decimal(2))})]}

    assert transcoder.decode(transcoder.encode(value)) == value


def test_a_name_that_is_registered_later_is_known(transcoder):
    class Later(WordAsText):
        type = Level
        name = "later"

    other = _transcoder(is_fast=transcoder._read is not None)
    other.register(Later())

    assert other.decode(b'{"_type_":"later","_data_":"a"}') == "a"
