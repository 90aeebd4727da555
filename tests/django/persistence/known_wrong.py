"""
Known wrong: ways to keep commit order on PostgreSQL that lose events, to be put in on purpose.

Each is the right way with one thing changed. A test that passes with any of them in place guards
nothing; ``scripts/known_wrong.py`` tells which tests fail with which.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from django.db import connections

from django_eventsourcing import watermark
from django_eventsourcing.event_table import EventTable
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.ordering import AdvisoryLock, vendors
from django_eventsourcing.recorders import application
from django_eventsourcing.watermark import Watermark
from tests.django.persistence import interleavings

TABLE = StoredEventRecord._meta.db_table
ALIAS = "postgres"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One wrong way, and how it is put in."""

    name: str
    patches: Sequence[tuple[object, str, object]] = ()
    """Module or class, attribute, and what it is replaced by."""
    without_trigger: bool = False

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the wrong way in, until the end of the context."""
        with ExitStack() as stack:
            for target, name, replacement in self.patches:
                stack.enter_context(patch.object(target, name, replacement))
            if self.without_trigger:
                stack.enter_context(_trigger_off())
            yield


@contextmanager
def _trigger_off() -> Iterator[None]:
    def alter(state: str) -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(f"ALTER TABLE {TABLE} {state} TRIGGER {TABLE}_commit_order")

    alter("DISABLE")
    try:
        yield
    finally:
        alter("ENABLE")


class _NoLock(AdvisoryLock):
    def before_insert(self, connection, records):
        """Take no lock."""


class _TimeOut(Watermark):
    """Goes past a gap that it has seen before."""

    _gap = 0

    def _settle(self, after, query=None):
        answer = super()._settle(after, query)
        if answer.settled < answer.head:
            if self._gap == answer.settled:
                return answer._replace(settled=answer.head)
            self._gap = answer.settled
        return answer


class _ByRowXmin(Watermark):
    """Reads the rows whose transaction is older than all that run, and remembers an id."""

    def _select(self, rows, after, limit, stop, is_full, query):
        ids = _scalars(
            f"SELECT id FROM {TABLE} WHERE id > {after} AND "
            "xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        )
        self._between("ids")
        self._between("rows")
        return [row for row in rows(after, 2**62, limit) if row[0] in ids]


class _BySnapshotXmax(Watermark):
    """Waits at a gap for all transactions that had a number when the head was seen."""

    _waits: list[tuple[int, int]] = []

    def _settle(self, after, query=None):
        self._between("ids")
        ids = self.table.ids(after)
        reached = watermark._contiguous(ids.found, after)
        if reached < ids.head:
            self._between("holders")
            (xmin, xmax) = _row(
                "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint "
                "FROM pg_current_snapshot() AS s"
            )
            self._waits = [*self._waits, (ids.head, xmax)]
            over = [head for head, wanted in self._waits if xmin >= wanted]
            reached = max([reached, *over])
        return watermark._Answer(self._adopt(ids.session), reached, ids.head)


class _HoldersFirst(Watermark):
    """Asks for the holders before it looks at the ids."""

    def _settle(self, after, query=None):
        early = self.table.holders()
        with patch.object(self.table, "holders", lambda: early):
            return super()._settle(after, query)


class _SameStatement(Watermark):
    """Delivers the rows that it has seen in the first statement."""

    def _select(self, rows, after, limit, stop, is_full, query):
        self._between("ids")
        seen = rows(after, 2**62, limit)
        settled = self._settle(after).settled
        return [row for row in seen if row[0] <= settled]


def _ids_all_committed(table, after, query=None, look=EventTable.ids):
    """Take what the reader's own transaction has written for committed."""
    return look(table, after, query)._replace(is_writing=False)


class _BelievesPositions(Watermark):
    """Takes what one reader has come to for settled for all."""

    def _settle(self, after, query=None):
        answer = super()._settle(after, query)
        answer.state.rise(answer.settled)
        return answer


class _StaleLook(watermark._State):
    """Rids later waits, too, of those who were gone before."""

    def resolve(self, head, holders, mark):
        return super().resolve(head, holders, self.mark)


def _scalars(sql: str) -> set[int]:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(sql)
        return {value for (value,) in cursor.fetchall()}


def _row(sql: str) -> tuple[int, ...]:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


def _orders(order: AdvisoryLock) -> dict[str, AdvisoryLock]:
    return {**vendors.ORDERS, "postgresql": order}


def _reader(cls: type[Watermark]) -> tuple[tuple[object, str, object], ...]:
    return ((application, "Watermark", cls),)


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(name="a time-out at a gap", patches=_reader(_TimeOut)),
        Variant(name="xid below the oldest, with an id as position", patches=_reader(_ByRowXmin)),
        Variant(name="waiting on the snapshot's xmax", patches=_reader(_BySnapshotXmax)),
        Variant(
            name="the lock taken after the insert",
            patches=((interleavings, "STEPS", ("draw", "insert", "lock")),),
            without_trigger=True,
        ),
        Variant(name="holders asked for before ids", patches=_reader(_HoldersFirst)),
        Variant(name="rows not read by a new statement", patches=_reader(_SameStatement)),
        Variant(
            name="no lock at all",
            patches=((vendors, "ORDERS", _orders(_NoLock())),),
            without_trigger=True,
        ),
        Variant(name="the trigger missing", without_trigger=True),
        Variant(name="positions of readers believed by all", patches=_reader(_BelievesPositions)),
        Variant(
            name="an old look at holders used for a later wait",
            patches=((watermark, "_State", _StaleLook),),
        ),
        Variant(
            name="uncommitted events of the reader's own shared",
            patches=((EventTable, "ids", _ids_all_committed),),
        ),
    )
}
