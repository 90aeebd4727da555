"""A ledger: an aggregate with values of many types, commands that fail, and two versions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Transcoding


@dataclass(frozen=True)
class Money:
    amount: Decimal
    currency: str


class MoneyAsList(Transcoding):
    type = Money
    name = "money"

    def encode(self, obj):
        return [obj.amount, obj.currency]

    def decode(self, data):
        return Money(*data)


class Ledger(Aggregate):
    class_version = 2

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["entries"] = state.pop("lines")

    @event("Opened")
    def __init__(self, owner: str) -> None:
        self._owner = owner
        self.entries: list[Money] = []
        self.references: dict[str, UUID] = {}
        self.due: datetime | None = None

    class Booked(Aggregate.Event):
        money: Money
        class_version = 2

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["money"] = Money(state.pop("amount"), "EUR")

    @event(Booked)
    def book(self, money: Money) -> None:
        if money.amount < 0 and not self.entries:
            self.entries.append(money)
            raise ValueError("A ledger begins with an income.")
        self.entries.append(money)

    @event
    def refer(self, references: dict[str, UUID], *, replacing: bool = False) -> None:
        if replacing:
            self.references = references
        else:
            self.references.update(references)

    @event("Dunned")
    def dun(self, due: datetime) -> None:
        self.due = due

    @property
    def owner(self) -> str:
        return self._owner

    @owner.setter
    @event("Sold")
    def owner(self, owner: str) -> None:
        self._owner = owner


class Books(Application):
    """Keeps ledgers, and snapshots of them when they are asked for."""

    is_snapshotting_enabled = True

    def register_transcodings(self, transcoder):
        super().register_transcodings(transcoder)
        transcoder.register(MoneyAsList())


text = st.text(max_size=5)
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=2)
COMMANDS = st.lists(
    st.one_of(
        st.tuples(
            st.just("book"), st.fixed_dictionaries({"money": st.builds(Money, amounts, text)})
        ),
        st.tuples(
            st.just("refer"),
            st.fixed_dictionaries(
                {"references": st.dictionaries(text, st.uuids(), max_size=2)},
                optional={"replacing": st.booleans()},
            ),
        ),
        st.tuples(
            st.just("dun"),
            st.fixed_dictionaries({"due": st.datetimes(timezones=st.just(UTC))}),
        ),
        st.tuples(st.just("owner"), st.fixed_dictionaries({"owner": text})),
    ),
    max_size=8,
)
"""Any commands to a ledger, by name, with their arguments."""


def obey(ledger: Ledger, command: str, arguments: dict[str, Any]) -> None:
    """Do as told, as far as the ledger allows it."""
    if command == "owner":
        ledger.owner = arguments["owner"]
        return
    before = list(ledger.entries)
    try:
        getattr(ledger, command)(**arguments)
    except ValueError:
        # What a failing command has changed is its own affair, but no event remembers it.
        ledger.entries[:] = before


def opened(commands) -> Ledger:
    """Return a new ledger that has obeyed the commands, its events pending."""
    ledger = Ledger("Zoë")
    for command, arguments in commands:
        obey(ledger, command, arguments)
    return ledger
