"""
Interleavings: a reader and a late writer, step by step, on PostgreSQL.

The late writer draws an id, another one draws the next and commits, and the late one follows or is
rolled back. Where it is at each statement of the reader is what a case says.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from django.contrib.auth.models import Group
from django.db import connections, transaction

from django_eventsourcing import watermark
from django_eventsourcing.event_table import EventTable
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.ordering import get_commit_order
from django_eventsourcing.recorders import DjangoApplicationRecorder, application
from eventsourcing.conformance import stored_event
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction

PLACES = ("before", "ids", "holders", "rows", "end")
"""Where a reader is stopped: before its first look, before each statement, and after the last."""
STATES = ("before lock", "after lock", "after draw", "after insert", "after commit", "rolled back")
"""How far the late writer gets at that place."""
STEPS = ("lock", "draw", "insert")
"""What a writer does, in order; PostgreSQL does the last two in one statement."""
SEQUENCE = f"{StoredEventRecord._meta.db_table}_id_seq"


def forget() -> None:
    """Lose all that this process knows of the tables."""
    watermark._forget()


class Reader:
    """Reads the log as a follower does, and lets the world move between its statements."""

    def __init__(self, alias: str) -> None:
        self.recorder = DjangoApplicationRecorder("DogSchool", alias=alias)
        table = EventTable(alias, StoredEventRecord)
        # By the name in the module: a variant may stand there.
        self.recorder.watermark = application.Watermark(table, between=self._pause)
        self.seen: list[int] = []
        self.at: dict[str, Callable[[], object]] = {}
        """What happens at a place, the next time that the reader gets there."""
        self._position = self.recorder.log.last_position() or 0

    def look(self) -> int:
        """Read on, and return how many notifications there were."""
        self._pause("before")
        found = self.recorder.select_notifications(self._position, 100, inclusive_of_start=False)
        for notification in found:
            self._position = notification.id
            self.seen.append(notification.id)
        return len(found)

    def _pause(self, place: str) -> None:
        self.at.pop(place, lambda: None)()


class Writer:
    """Takes one transaction from its start to its end, in a thread of its own."""

    def __init__(self, elsewhere: Elsewhere, alias: str) -> None:
        self._elsewhere = elsewhere
        self._alias = alias
        self._left = list(STEPS)
        self._done: set[str] = set()
        self._is_open = True
        self.id = 0
        self._transaction = OpenTransaction(elsewhere, alias)

    def go(self, state: str) -> None:
        """Take the steps to the state that have not been taken."""
        if state in ("after commit", "rolled back"):
            self._take(len(self._left))
            if self._is_open:
                self._is_open = False
                end = self._transaction.commit if "commit" in state else self._transaction.roll_back
                end()
            return
        wanted = state.removeprefix("after ")
        if wanted in self._left:
            self._take(self._left.index(wanted) + 1)

    def has_drawn(self) -> bool:
        return "draw" in self._done

    def write_a_row(self) -> None:
        """Write to another table, by which the transaction gets its number."""
        self._elsewhere.do(lambda: Group.objects.using(self._alias).create(name=str(uuid4())))

    def _take(self, count: int) -> None:
        for step in self._left[:count]:
            self._elsewhere.do(getattr(self, f"_{step}"))
            self._done.add(step)
        del self._left[:count]

    def _lock(self) -> None:
        connection = connections[self._alias]
        get_commit_order(connection).before_insert(connection, [StoredEventRecord()])

    def _draw(self) -> None:
        with connections[self._alias].cursor() as cursor:
            cursor.execute(f"SELECT nextval('{SEQUENCE}')")
            (self.id,) = cursor.fetchone()

    def _insert(self) -> None:
        with connections[self._alias].cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {StoredEventRecord._meta.db_table} (id, application_name, "
                "originator_id, originator_version, topic, state, metadata, recorded_at) "
                "VALUES (%s, 'DogSchool', gen_random_uuid(), 1, 'topic', '', '{}', now())",
                [self.id],
            )


@dataclass
class Case:
    """One interleaving; ``run()`` returns the ids that were seen, and those that were committed."""

    alias: str
    place: str
    state: str
    is_gap_there: bool = False
    """Whether the late writer has drawn, and been overtaken, before the reader looks."""
    is_restarted: bool = False
    """Whether the reader loses all but its position after the place."""
    committed: list[int] = field(default_factory=list)

    def run(self) -> tuple[list[int], list[int]]:
        forget()
        reader = Reader(self.alias)
        with self._writers() as (late, others):
            self.committed += reader.recorder.insert_events([stored_event()])
            reader.look()
            if self.is_gap_there:
                late.go("after insert")
                self._commit(next(others))
            reader.at[self.place] = lambda: self._reach(late, others)
            self._look(reader)
            for state in (*STATES[:4], "rolled back" if "back" in self.state else "after commit"):
                late.go(state)
                if state == "after draw":
                    self._commit(next(others))
                self._look(reader)
            if "back" not in self.state:
                self.committed.append(late.id)
            while reader.look():
                pass
        return reader.seen, sorted(self.committed)

    def _reach(self, late: Writer, others: Iterator[Writer]) -> None:
        # Overtaken before its end: at one moment there is a gap, and at the next there is none.
        late.go("after insert" if self.state in ("after commit", "rolled back") else self.state)
        if late.has_drawn():
            self._commit(next(others))
        late.go(self.state)
        if self.is_restarted:
            forget()

    def _look(self, reader: Reader) -> None:
        # Twice: what the first look has noted is used by the second.
        for _ in range(2):
            reader.look()
            if self.is_restarted and not reader.at:
                forget()

    def _commit(self, writer: Writer) -> None:
        writer.go("after commit")
        self.committed.append(writer.id)

    @contextmanager
    def _writers(self) -> Iterator[tuple[Writer, Iterator[Writer]]]:
        """Begin the transaction of the late writer, and before it those that overtake it."""
        with Elsewhere() as first, Elsewhere() as second, Elsewhere() as third, Elsewhere() as last:
            others = [Writer(place, self.alias) for place in (first, second, third)]
            for other in others:
                other.write_a_row()
            late = Writer(last, self.alias)
            _draw_without_a_log_entry(self.alias)
            try:
                yield late, iter(others)
            finally:
                for writer in (late, *others):
                    writer.go("rolled back")


def cases(alias: str, place: str, state: str, **options: object) -> Iterator[Case]:
    """Return the case from a log without a gap, and from one with a gap where that is possible."""
    yield Case(alias, place, state, **options)
    if state in ("after insert", "after commit", "rolled back"):
        yield Case(alias, place, state, is_gap_there=True, **options)


def _draw_without_a_log_entry(alias: str) -> None:
    """Draw ids until the sequence has some in store, so that to draw one gives no xid."""
    with connections[alias].cursor() as cursor:
        for _ in range(33):
            with transaction.atomic(using=alias):
                cursor.execute(
                    f"SELECT nextval('{SEQUENCE}'), pg_current_xact_id_if_assigned() IS NOT NULL"
                )
                cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
                (has_logged,) = cursor.fetchone()
            if has_logged:
                return
