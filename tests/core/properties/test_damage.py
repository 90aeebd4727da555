"""
Damage: state that is cut, changed or foreign is an error, and never a wrong event.

Encryption notices each change. Compression has a checksum. Plain JSON has neither: a changed bit
within a text gives another text, which nothing can tell from the one that was written. There the
promise is smaller: an error, or an event of the same class, originator and version.
"""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsourcing.cipher import AESCipher
from eventsourcing.environment import Environment
from eventsourcing.persistence import (
    JSONTranscoder,
    Mapper,
    MapperDeserialisationError,
    StoredEvent,
)
from tests.core.properties.ledger import COMMANDS, Books, opened

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OTHER_KEY = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="


def mapper(compressor=None, key=None) -> Mapper:
    transcoder = JSONTranscoder()
    Books.register_transcodings(Books(), transcoder)
    cipher = AESCipher(Environment(env={"CIPHER_KEY": key})) if key else None
    return Mapper(transcoder, compressor, cipher)


MAPPERS = {
    "plain": mapper(),
    "compressed": mapper(zlib),
    "encrypted": mapper(None, KEY),
    "compressed and encrypted": mapper(zlib, KEY),
}
# Taken modulo the length of a state, which differs from run to run with times and ids.
PLACES = st.integers(0, 10_000)
EVENTS = COMMANDS.flatmap(lambda commands: st.sampled_from(opened(commands).collect_events()))


def with_state(stored: StoredEvent, state: bytes) -> StoredEvent:
    return StoredEvent(stored.originator_id, stored.originator_version, stored.topic, state)


def refused(mapper: Mapper, stored: StoredEvent) -> None:
    with pytest.raises(MapperDeserialisationError) as caught:
        mapper.to_domain_event(stored)
    assert str(caught.value).startswith(
        f"The event with topic {stored.topic!r}, originator {stored.originator_id} and version "
        f"{stored.originator_version} cannot be read: "
    )
    assert caught.value.__cause__ is not None


def read_or_refused(mapper: Mapper, stored: StoredEvent):
    try:
        return mapper.to_domain_event(stored)
    except MapperDeserialisationError:
        refused(mapper, stored)
        return None


@pytest.mark.parametrize("name", MAPPERS)
@settings(max_examples=50)
@given(event=EVENTS, data=st.data())
def test_truncated_state_is_refused(name, event, data):
    stored = MAPPERS[name].to_stored_event(event)
    length = data.draw(PLACES) % len(stored.state)

    refused(MAPPERS[name], with_state(stored, stored.state[:length]))


@pytest.mark.parametrize("name", ["encrypted", "compressed and encrypted"])
@settings(max_examples=100)
@given(event=EVENTS, data=st.data())
def test_flipped_bits_are_refused_where_state_is_encrypted(name, event, data):
    stored = MAPPERS[name].to_stored_event(event)

    refused(MAPPERS[name], with_state(stored, flipped(stored.state, data)))


@settings(max_examples=200)
@given(event=EVENTS, data=st.data())
def test_flipped_bits_give_no_other_event_where_state_is_compressed(event, data):
    stored = MAPPERS["compressed"].to_stored_event(event)

    read = read_or_refused(MAPPERS["compressed"], with_state(stored, flipped(stored.state, data)))

    assert read in (None, event)


@settings(max_examples=200)
@given(event=EVENTS, data=st.data())
def test_flipped_bits_give_an_event_of_the_same_kind_or_none(event, data):
    stored = MAPPERS["plain"].to_stored_event(event)

    read = read_or_refused(MAPPERS["plain"], with_state(stored, flipped(stored.state, data)))

    if read is not None:
        assert type(read) is type(event)
        assert read.originator_id == event.originator_id
        assert read.originator_version == event.originator_version
        assert vars(read).keys() >= vars(event).keys()


@pytest.mark.parametrize("name", MAPPERS)
@settings(max_examples=50)
@given(event=EVENTS, state=st.binary(max_size=60))
def test_foreign_state_is_refused(name, event, state):
    stored = MAPPERS[name].to_stored_event(event)

    refused(MAPPERS[name], with_state(stored, state))


@pytest.mark.parametrize("name", MAPPERS)
@settings(max_examples=20)
@given(event=EVENTS, other=EVENTS)
def test_state_of_an_event_of_another_class_is_refused_if_it_lacks_fields(name, event, other):
    mapper = MAPPERS[name]
    stored = with_state(mapper.to_stored_event(event), mapper.to_stored_event(other).state)

    if vars(other).keys() >= vars(event).keys():
        assert type(mapper.to_domain_event(stored)) is type(event)
    else:
        refused(mapper, stored)


@settings(max_examples=20)
@given(event=EVENTS)
def test_state_of_another_key_is_refused(event):
    written = mapper(None, OTHER_KEY).to_stored_event(event)

    refused(MAPPERS["encrypted"], written)


@settings(max_examples=20)
@given(event=EVENTS)
@pytest.mark.parametrize("written", MAPPERS)
@pytest.mark.parametrize("read", MAPPERS)
def test_state_that_is_stored_in_another_way_is_refused(written, read, event):
    stored = MAPPERS[written].to_stored_event(event)

    if written == read:
        assert MAPPERS[read].to_domain_event(stored) == event
    else:
        refused(MAPPERS[read], stored)


def flipped(state: bytes, data) -> bytes:
    """Return the state with some of its bits changed."""
    changed = bytearray(state)
    for place in {
        place % (8 * len(state)) for place in data.draw(st.sets(PLACES, min_size=1, max_size=3))
    }:
        changed[place // 8] ^= 1 << place % 8
    return bytes(changed)
