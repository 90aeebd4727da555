"""Any sequence of commands gives the same aggregate, on whatever way it is had again."""

import bz2
import lzma
import zlib
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsourcing.application import project_aggregate
from eventsourcing.cipher import AESCipher
from eventsourcing.compressor import ZlibCompressor
from eventsourcing.environment import Environment
from eventsourcing.persistence import IntegrityError, JSONTranscoder, Mapper, StoredEvent
from tests.core.properties.ledger import COMMANDS, Books, Ledger, Money, obey, opened

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

TRANSCODERS = {"json": JSONTranscoder}
try:
    from tests.core.styles.orjson_transcoder import OrjsonTranscoder
except ImportError:
    pass
else:
    TRANSCODERS["orjson"] = OrjsonTranscoder
COMPRESSORS = {
    "as it is": None,
    "zlib": zlib,
    "bz2": bz2,
    "lzma": lzma,
    "ours": ZlibCompressor(),
}
CIPHERS = {"open": None, "encrypted": AESCipher(Environment(env={"CIPHER_KEY": KEY}))}


def mapper(transcoder=JSONTranscoder, compressor=None, cipher=None) -> Mapper:
    made = transcoder()
    Books.register_transcodings(Books(), made)
    return Mapper(made, compressor, cipher)


@pytest.mark.parametrize(
    ("transcoder", "compressor", "cipher"), [*product(TRANSCODERS, COMPRESSORS, CIPHERS)]
)
@settings(max_examples=15)
@given(commands=COMMANDS)
def test_through_each_way_of_storing(transcoder, compressor, cipher, commands):
    ledger = opened(commands)
    events = ledger.collect_events()
    written = mapper(TRANSCODERS[transcoder], COMPRESSORS[compressor], CIPHERS[cipher])
    read = mapper(TRANSCODERS[transcoder], COMPRESSORS[compressor], CIPHERS[cipher])

    again = [read.to_domain_event(written.to_stored_event(each)) for each in events]

    assert again == events
    assert project_aggregate(None, again) == ledger


@settings(max_examples=50)
@given(commands=COMMANDS)
def test_through_each_version_of_its_own(commands):
    """Replay to a version, then on from there, is replay."""
    ledger = opened(commands)
    books = Books()
    books.save(ledger)

    for version in range(1, ledger.version + 1):
        then = books.repository.get(ledger.id, version=version)
        assert then.version == version
        assert project_aggregate(then, books.events.get(ledger.id, gt=version)) == ledger


@settings(max_examples=50)
@given(before=COMMANDS, after=COMMANDS, data=st.data())
def test_from_any_snapshot(before, after, data):
    books = Books()
    ledger = opened(before)
    books.save(ledger)
    books.take_snapshot(ledger.id, version=data.draw(st.integers(1, ledger.version)))
    for command, arguments in after:
        obey(ledger, command, arguments)
    books.save(ledger)

    from_snapshot = books.repository.get(ledger.id)

    assert from_snapshot == ledger
    assert from_snapshot == project_aggregate(None, books.events.get(ledger.id))


@pytest.mark.parametrize(
    ("maxsize", "fastforward", "skipping", "deepcopy"),
    [*product(["0", "1"], ["y", "n"], ["y", "n"], ["y", "n"])],
)
@settings(max_examples=15)
@given(visits=st.lists(st.tuples(st.booleans(), COMMANDS), min_size=1, max_size=5))
def test_through_the_cache(maxsize, fastforward, skipping, deepcopy, visits):
    books = Books(
        env={
            "AGGREGATE_CACHE_MAXSIZE": maxsize,
            "AGGREGATE_CACHE_FASTFORWARD": fastforward,
            "AGGREGATE_CACHE_FASTFORWARD_SKIPPING": skipping,
            "DEEPCOPY_FROM_AGGREGATE_CACHE": deepcopy,
        }
    )
    ledgers = {True: opened([]), False: opened([])}
    books.save(*ledgers.values())

    for which, commands in visits:
        ledger = books.repository.get(ledgers[which].id)
        for command, arguments in commands:
            obey(ledger, command, arguments)
            obey(ledgers[which], command, arguments)
        books.save(ledger)

    for expected in ledgers.values():
        got = books.repository.get(expected.id)
        assert got == project_aggregate(None, books.events.get(expected.id))
        assert contents(got) == contents(expected)


@pytest.mark.parametrize("fastforward", ["y", "n"])
@settings(max_examples=25)
@given(mine=COMMANDS, theirs=COMMANDS)
def test_through_the_cache_when_two_work_on_one(fastforward, mine, theirs):
    """Who comes second is refused, and then finds what the first has done."""
    books = Books(env={"AGGREGATE_CACHE_MAXSIZE": "5", "AGGREGATE_CACHE_FASTFORWARD": fastforward})
    ledger = opened([])
    books.save(ledger)
    first, second = (books.repository.get(ledger.id) for _ in range(2))
    for held, commands in ((first, theirs), (second, mine)):
        for command, arguments in [*commands, ("owner", {"owner": "new"})]:
            obey(held, command, arguments)
    books.save(first)

    with pytest.raises(IntegrityError):
        books.save(second)

    got = books.repository.get(ledger.id)
    assert contents(got) == contents(first)
    assert got == project_aggregate(None, books.events.get(ledger.id))


@settings(max_examples=50)
@given(commands=COMMANDS)
def test_after_upcasting(commands):
    """Events and a snapshot of the first version give what those of the second give."""
    ledger = opened([(name, in_euro(arguments)) for name, arguments in commands])
    books = Books()
    events = ledger.collect_events()
    stored = [books.mapper.to_stored_event(each) for each in events]
    books.recorder.insert_events([downcast(books.mapper, each) for each in stored])

    assert books.repository.get(ledger.id) == ledger

    snapshot = books.mapper.to_stored_event(Ledger.Snapshot.take(ledger))
    old = downcast(books.mapper, snapshot)
    books.snapshots.recorder.insert_events([old])

    assert b"lines" in old.state
    assert books.repository.get(ledger.id) == ledger


def contents(ledger: Ledger):
    return ledger.owner, ledger.entries, ledger.references, ledger.due, ledger.version


def in_euro(arguments):
    if "money" in arguments:
        return {"money": Money(arguments["money"].amount, "EUR")}
    return arguments


def downcast(mapper: Mapper, stored: StoredEvent) -> StoredEvent:
    """Return what the first version of the classes has written."""
    state = mapper.transcoder.decode(stored.state)
    if "money" in state:
        state["amount"] = state.pop("money").amount
        del state["class_version"]
    if "state" in state:
        state["state"]["lines"] = state["state"].pop("entries")
        del state["state"]["class_version"]
    return StoredEvent(
        stored.originator_id,
        stored.originator_version,
        stored.topic,
        mapper.transcoder.encode(state),
    )
