"""A domain that two libraries can run: its events, written by either, are read by both."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Transcoding


@dataclass(frozen=True)
class Money:
    """A value with a transcoding of its own."""

    amount: Decimal
    currency: str


class MoneyAsDict(Transcoding):
    type = Money
    name = "money"

    def encode(self, obj):
        return {"amount": obj.amount, "currency": obj.currency}

    def decode(self, data):
        return Money(**data)


class Account(Aggregate):
    @event("Opened")
    def __init__(self, holder: str, branch: UUID):
        self.holder = holder
        self.branch = branch
        self.balance = Money(Decimal("0.00"), "EUR")
        self.due = None
        self.notes = []

    @event("Credited")
    def credit(self, money: Money, due: datetime):
        self.balance = Money(self.balance.amount + money.amount, money.currency)
        self.due = due

    @event("Noted")
    def note(self, text: str, pages: tuple = (), *, urgent: bool = False):
        self.notes.append([text, list(pages), urgent])


class Bank(Application):
    snapshotting_intervals = {Account: 3}

    def register_transcodings(self, transcoder):
        super().register_transcodings(transcoder)
        transcoder.register(MoneyAsDict())


KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
"""A key for tests, in Base64."""

ENVIRONMENTS = {
    "plain": {},
    "compressed": {"COMPRESSOR_TOPIC": "zlib"},
    "encrypted": {"CIPHER_TOPIC": "eventsourcing.cryptography:AESCipher", "CIPHER_KEY": KEY},
    "compressed and encrypted": {
        "COMPRESSOR_TOPIC": "eventsourcing.compressor:ZlibCompressor",
        "CIPHER_TOPIC": "eventsourcing.cryptography:AESCipher",
        "CIPHER_KEY": KEY,
    },
}
"""Settings under which events are written, by what they make of them."""
