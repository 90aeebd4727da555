"""Limits: what is too large or too deep is refused before it is recorded, and before it is read."""

import bz2
import gzip
import json
import logging
import lzma
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsourcing.cipher import AESCipher
from eventsourcing.compressor import ZlibCompressor
from eventsourcing.environment import Environment
from eventsourcing.persistence import (
    Compressor,
    InfrastructureFactory,
    InfrastructureFactoryError,
    JSONTranscoder,
    Limits,
    Mapper,
    MapperDeserialisationError,
    NestingTooDeepError,
    PayloadTooLargeError,
)
from tests.core.school import Dog, DogSchool

ROOT = Path(__file__).resolve().parents[3]


class Snapshotting(DogSchool):
    name = "DogSchool"
    snapshotting_intervals = {Dog: 2}


class Doubling(Compressor):
    """Can tell how much there is only when it has all of it."""

    def compress(self, data):
        return zlib.compress(data)

    def decompress(self, data):
        return zlib.decompress(data)


class CarelessMapper(Mapper):
    """A mapper of a project's own, which knows of no limits."""

    def to_stored_event(self, domain_event):
        limits, self.limits = self.limits, Limits(payload_bytes=0)
        try:
            return super().to_stored_event(domain_event)
        finally:
            self.limits = limits


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def logged(school):
    return [n.originator_version for n in school.recorder.select_notifications(None, 100)]


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("PAYLOAD_MAX_BYTES", "bytes"),
        ("INFLATED_MAX_BYTES", "bytes"),
        ("NESTING_MAX_DEPTH", "levels"),
    ],
)
@pytest.mark.parametrize("value", ["1 MiB", "-1", "1.5"])
def test_are_numbers(key, unit, value):
    with pytest.raises(InfrastructureFactoryError) as caught:
        DogSchool(env={key: value})

    assert str(caught.value) == (
        f"{key} is {value!r}. Give a whole number of {unit}, or 0 for no limit."
    )


def test_are_read_from_the_environment():
    env = {"PAYLOAD_MAX_BYTES": "10", "INFLATED_MAX_BYTES": "0", "SCHOOL_NESTING_MAX_DEPTH": "7"}

    mapper = InfrastructureFactory.construct(Environment("School", env)).mapper()

    assert mapper.limits == Limits(payload_bytes=10, inflated_bytes=0, nesting=7)


def test_have_defaults():
    assert DogSchool().mapper.limits == Limits(
        payload_bytes=1024 * 1024, inflated_bytes=16 * 1024 * 1024, nesting=100
    )


def test_an_event_that_is_too_large_is_refused_and_stays_pending():
    school = DogSchool()
    dog = Dog("Fido")
    dog.add_trick("x" * 2**20)

    with pytest.raises(PayloadTooLargeError) as caught:
        school.save(dog)

    size = len(Mapper(school.mapper.transcoder).transcoder.encode({"trick": "x" * 2**20}))
    size += len(
        f',"timestamp":{{"_type_":"datetime_iso","_data_":"{dog.modified_on.isoformat()}"}}'
    )
    assert str(caught.value) == (
        f"DogSchool: The event with topic 'tests.core.school:Dog.TrickAdded', originator {dog.id} "
        f"and version 2 cannot be stored: it has {size} bytes, and PAYLOAD_MAX_BYTES is 1048576. "
        f"Keep what is large elsewhere, with a reference to it in the event, or raise "
        f"PAYLOAD_MAX_BYTES."
    )
    assert logged(school) == []
    assert [event.originator_version for event in dog.pending_events] == [1, 2]


def test_what_counts_is_what_would_be_stored():
    school = DogSchool(env={"COMPRESSOR_TOPIC": "zlib"})

    dog_id = school.register_dog("x" * 2**21)

    assert len(school.get_dog(dog_id)["name"]) == 2**21


@pytest.mark.parametrize("limit", ["4000000", "0"])
def test_a_limit_may_be_raised_or_left_out(limit):
    school = DogSchool(env={"PAYLOAD_MAX_BYTES": limit})

    dog_id = school.register_dog("x" * 2**21)

    assert len(school.get_dog(dog_id)["name"]) == 2**21


def test_hold_for_a_mapper_that_knows_of_none():
    school = DogSchool(env={"MAPPER_TOPIC": f"{__name__}:CarelessMapper"})

    with pytest.raises(PayloadTooLargeError, match="PAYLOAD_MAX_BYTES is 1048576"):
        school.register_dog("x" * 2**20)

    assert logged(school) == []


def test_what_was_stored_under_a_higher_limit_is_read():
    mapper = Mapper(DogSchool().mapper.transcoder)
    event = Dog("x" * 2**20).collect_events()[0]
    mapper.limits = Limits(payload_bytes=2**21)
    stored = mapper.to_stored_event(event)

    mapper.limits = Limits()

    assert mapper.to_domain_event(stored) == event


def test_a_snapshot_that_is_too_large_is_not_kept_and_saves_go_on(caplog):
    school = Snapshotting(env={"PAYLOAD_MAX_BYTES": "1000"})
    dog_id = school.register_dog("x" * 600)

    with caplog.at_level(logging.WARNING):
        school.add_trick(dog_id, "y" * 600)

    assert logged(school) == [1, 2]
    assert "could not keep a snapshot of" in caplog.text
    assert "PAYLOAD_MAX_BYTES is 1000" in caplog.text
    with pytest.raises(PayloadTooLargeError, match="Snapshot'"):
        school.take_snapshot(dog_id)
    assert school.get_dog(dog_id)["tricks"] == ("y" * 600,)


def test_what_could_not_be_inflated_again_is_not_stored():
    school = DogSchool(env={"COMPRESSOR_TOPIC": "zlib", "INFLATED_MAX_BYTES": "5000"})

    with pytest.raises(PayloadTooLargeError) as caught:
        school.register_dog("x" * 5000)

    assert "cannot be stored: before compression, it has 51" in str(caught.value)
    assert str(caught.value).endswith(
        "bytes, and INFLATED_MAX_BYTES is 5000. Keep what is large elsewhere, with a reference to "
        "it in the event, or raise INFLATED_MAX_BYTES."
    )
    assert logged(school) == []


@pytest.mark.parametrize(
    "compressor",
    [zlib, bz2, lzma, gzip, ZlibCompressor(), Doubling()],
    ids=["zlib", "bz2", "lzma", "gzip", "ours", "a class that cannot end early"],
)
@pytest.mark.parametrize("cipher", [None, AESCipher.create_key(32)], ids=["plain", "encrypted"])
def test_state_that_inflates_beyond_the_limit_is_refused(compressor, cipher):
    cipher = cipher and AESCipher(Environment(env={"CIPHER_KEY": cipher}))
    mapper = Mapper(DogSchool().mapper.transcoder, compressor, cipher)
    event = Dog("x" * 5000).collect_events()[0]
    stored = mapper.to_stored_event(event)
    assert mapper.to_domain_event(stored) == event

    mapper.limits = Limits(inflated_bytes=5000)

    with pytest.raises(MapperDeserialisationError) as caught:
        mapper.to_domain_event(stored)
    assert isinstance(caught.value.__cause__, PayloadTooLargeError)
    assert str(caught.value) == (
        f"The event with topic 'tests.core.school:Dog.Registered', originator "
        f"{event.originator_id} and version 1 cannot be read: PayloadTooLargeError: decompressed, "
        f"it has more than 5000 bytes, which is INFLATED_MAX_BYTES. If it is meant to have them, "
        f"raise INFLATED_MAX_BYTES."
    )


@pytest.mark.parametrize("compressor", [zlib, bz2, lzma, ZlibCompressor()])
def test_what_inflates_to_the_limit_is_read(compressor):
    mapper = Mapper(DogSchool().mapper.transcoder, compressor)
    event = Dog("Fido").collect_events()[0]
    size = len(compressor.decompress(mapper.to_stored_event(event).state))

    mapper.limits = Limits(inflated_bytes=size)

    assert mapper.to_domain_event(mapper.to_stored_event(event)) == event


def test_a_bomb_takes_little_memory():
    """Scenario S9: 1 MB that would be 1 GB."""
    program = """
import re, sys, uuid, zlib
from pathlib import Path
from eventsourcing.persistence import JSONTranscoder, Mapper, MapperDeserialisationError
from eventsourcing.persistence import StoredEvent
from tests.core.school import Dog

data = sys.stdin.buffer.read()
mapper = Mapper(JSONTranscoder(), zlib)
stored = StoredEvent(uuid.uuid4(), 1, "tests.core.school:Dog.Registered", data)
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
before = peak()
try:
    mapper.to_domain_event(stored)
except MapperDeserialisationError as error:
    print(type(error.__cause__).__name__)
print(peak() - before)
"""
    compressor = zlib.compressobj()
    zeros = bytes(2**20)
    bomb = b"".join([*(compressor.compress(zeros) for _ in range(1024)), compressor.flush()])
    assert 2**19 < len(bomb) < 2**21

    done = subprocess.run(
        [sys.executable, "-c", program], input=bomb, cwd=ROOT, capture_output=True, check=True
    )

    refused, kilobytes = done.stdout.split()
    assert refused == b"PayloadTooLargeError"
    assert int(kilobytes) < 64 * 1024


def test_values_that_are_nested_too_deeply_are_refused():
    school = DogSchool()
    dog_id = school.register_dog("Fido")

    # The event itself is the first level.
    school.add_trick(dog_id, nested(99))
    with pytest.raises(NestingTooDeepError) as caught:
        school.add_trick(dog_id, nested(100))

    assert str(caught.value) == (
        f"DogSchool: The event with topic 'tests.core.school:Dog.TrickAdded', originator {dog_id} "
        f"and version 3 cannot be stored: its values are nested on more than 100 levels, which is "
        f"NESTING_MAX_DEPTH. Make them flatter, or raise NESTING_MAX_DEPTH."
    )
    assert school.get_dog(dog_id)["tricks"] == (nested(99),)


def test_values_that_are_nested_too_deeply_to_be_encoded_are_refused():
    event = replace(Dog("Fido").collect_events()[0], name=nested(100_000))

    with pytest.raises(NestingTooDeepError) as caught:
        Mapper(DogSchool().mapper.transcoder).to_stored_event(event)

    assert str(caught.value).endswith(
        "cannot be stored: its values are nested on more levels than can be encoded, and "
        "NESTING_MAX_DEPTH is 100. Make them flatter."
    )


def test_depth_may_be_raised():
    school = DogSchool(env={"NESTING_MAX_DEPTH": "0"})

    dog_id = school.register_dog(nested(150))

    assert school.get_dog(dog_id)["name"] == nested(150)


@pytest.mark.parametrize("state", [b"[" * 101, b'{"a":' * 101, b"[" * 101 + b"]" * 101])
def test_stored_values_that_are_nested_too_deeply_are_refused(state):
    mapper = Mapper(DogSchool().mapper.transcoder)
    stored = replace(mapper.to_stored_event(Dog("Fido").collect_events()[0]), state=state)

    with pytest.raises(MapperDeserialisationError) as caught:
        mapper.to_domain_event(stored)

    assert isinstance(caught.value.__cause__, NestingTooDeepError)


VALUES = st.recursive(
    st.none() | st.text('[]{}"\\x', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('[{"\\', max_size=3), inner)
    ),
    max_leaves=30,
)


@given(value=VALUES, limit=st.integers(1, 8))
def test_depth_is_that_of_the_values_whatever_their_texts_say(value, limit):
    data = json.dumps(value).encode()

    assert JSONTranscoder().is_deeper_than(data, limit) is (depth(value) > limit)


def depth(value):
    inner = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    )
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@pytest.mark.parametrize("env", [{}, {"COMPRESSOR_TOPIC": "zlib"}])
@given(data=st.data())
def test_a_save_is_read_back_or_refused_with_nothing_stored(env, data):
    size = data.draw(st.integers(0, 3000))
    text = data.draw(st.sampled_from(["x", "é", '"', "\n"])) * size
    school = DogSchool(env={**env, "PAYLOAD_MAX_BYTES": "1000", "INFLATED_MAX_BYTES": "2000"})
    dog = Dog("Fido")
    dog.add_trick(text)

    try:
        school.save(dog)
    except PayloadTooLargeError:
        assert logged(school) == []
        assert len(dog.pending_events) == 2
        assert size > 100
    else:
        assert logged(school) == [1, 2]
        assert school.get_dog(dog.id)["tricks"] == (text,)
        assert size < 2000
