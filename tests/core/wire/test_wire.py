"""The wire format: what release 9.5.6 of the reference library wrote is read back here."""

import json
from base64 import b64decode
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from eventsourcing.persistence import StoredEvent
from tests.core.wire.domain import ENVIRONMENTS, Bank, Money

FIXTURE = Path(__file__).with_name("written_by_9.5.6.json")
WRITTEN = json.loads(FIXTURE.read_text(encoding="utf-8"))


def stored_events(name, kind):
    return [
        StoredEvent(
            UUID(record["originator_id"]),
            record["originator_version"],
            record["topic"],
            b64decode(record["state"]),
        )
        for record in WRITTEN[name][kind]
    ]


@pytest.fixture(params=ENVIRONMENTS)
def bank(request):
    bank = Bank(env=ENVIRONMENTS[request.param])
    bank.written = stored_events(request.param, "events")
    bank.written_snapshots = stored_events(request.param, "snapshots")
    bank.account_id = bank.written[0].originator_id
    return bank


def assert_is_the_account(account):
    assert account.version == 4
    assert account.holder == "Zoë"
    assert account.branch == UUID(int=7)
    assert account.balance == Money(Decimal("12.50"), "EUR")
    assert account.due.isoformat() == "2020-02-29T12:00:00.000005+02:00"
    assert account.notes == [["called, “again”", [1, 2], True], ["", [], False]]


def test_events_are_read(bank):
    bank.recorder.insert_events(bank.written)

    assert_is_the_account(bank.repository.get(bank.account_id))


def test_snapshots_are_read(bank):
    bank.recorder.insert_events(bank.written[3:])
    bank.snapshots.recorder.insert_events(bank.written_snapshots)

    assert_is_the_account(bank.repository.get(bank.account_id))


def test_the_same_event_is_written_as_the_same_bytes():
    bank = Bank()
    written = stored_events("plain", "events")

    again = [bank.mapper.to_stored_event(bank.mapper.to_domain_event(e)) for e in written]

    assert again == written


def test_a_snapshot_is_written_as_the_same_bytes():
    bank = Bank()
    (written,) = stored_events("plain", "snapshots")

    assert bank.mapper.to_stored_event(bank.mapper.to_domain_event(written)) == written
