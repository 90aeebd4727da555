"""Simulation: an event table in memory, whose writers and readers do what a program says."""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from django_eventsourcing import watermark
from django_eventsourcing.event_table import EventTable, Holders, Ids
from django_eventsourcing.recorders import application
from django_eventsourcing.recorders.prepared import BoundQuery

WRITERS = range(4)
READERS = range(2)
ACTIONS = (
    "lock",
    "draw",
    "draw",
    "commit",
    "commit",
    "roll back",
    "read",
    "read",
    "pause",
    "pause",
)
RARE_ACTIONS = ("prepare", "forget", "start anew", "new reader")
PAGE = 4
MOST_STARTS = 2
"""A server that is another one with each statement is refused."""

_names = count()

Program = Sequence[tuple[str, int]]
"""Actions with the number of the writer or reader; a pause lets the reader's next statement run."""


class SimulatedTable(EventTable):
    """What a server tells of a table, and what its writers do."""

    def __init__(self, on_its_way: Callable[[], object] = lambda: None) -> None:
        self._on_its_way = on_its_way
        """Called between an answer and its arrival at the reader."""
        self._name = f"simulated {next(_names)}"
        self.server = 0
        self.committed: set[int] = set()
        self._last_id = 0
        self._numbers = count(1)
        self._drawn: dict[int, list[int]] = {}
        """The ids of the writers that hold the lock."""
        self._virtual_ids: dict[int, str] = {}
        self._prepared: set[str] = set()

    @property
    def key(self) -> tuple[str, ...]:
        return (self._name,)

    @property
    def session(self) -> str:
        return f"{self.server} f read committed"

    def ids(self, after: int, query: BoundQuery | None = None) -> Ids:
        found = sorted(id_ for id_ in self.committed if id_ > after)
        answer = Ids(
            session=self.session,
            is_writing=False,
            head=max(self.committed, default=0),
            found=found[:PAGE],
        )
        self._on_its_way()
        # What is made at once is made by statements all the same, between which others commit.
        return answer if query is None else answer._replace(rows=self.rows(*query.params))

    def holders(self) -> Holders:
        answer = Holders(
            all=frozenset(self._virtual_ids.values()),
            prepared=frozenset(self._prepared),
            own=frozenset(),
        )
        self._on_its_way()
        return answer

    def rows(self, after: int, upto: int, limit: int) -> list[tuple[Any, ...]]:
        found = sorted(id_ for id_ in self.committed if after < id_ <= upto)
        answer = [(id_, self.session) for id_ in found[:limit]]
        self._on_its_way()
        return answer

    def lock(self, writer: int) -> None:
        if writer not in self._drawn:
            self._drawn[writer] = []
            self._virtual_ids[writer] = f"{writer}/{next(self._numbers)}"

    def draw(self, writer: int) -> None:
        self.lock(writer)
        self._last_id += 1
        self._drawn[writer].append(self._last_id)

    def prepare(self, writer: int) -> None:
        if writer in self._virtual_ids:
            self._virtual_ids[writer] = f"-1/{next(self._numbers)}"
            self._prepared.add(self._virtual_ids[writer])

    def commit(self, writer: int) -> None:
        # First the commit is seen, then the lock is released.
        self.committed.update(self._drawn.get(writer, ()))
        self.roll_back(writer)

    def roll_back(self, writer: int) -> None:
        self._drawn.pop(writer, None)
        self._prepared.discard(self._virtual_ids.pop(writer, ""))

    def start_anew(self) -> None:
        if self.server == MOST_STARTS:
            return
        for writer in WRITERS:
            if self._virtual_ids.get(writer) not in self._prepared:
                self.roll_back(writer)
        self.server += 1


class SimulatedReader:
    """Reads a table from a position; what it skips is never read."""

    def __init__(
        self,
        table: SimulatedTable,
        between: Any,
        start: int = 0,
        *,
        large: int = 0,
        at_once: bool = False,
    ) -> None:
        self._table = table
        self._large = large
        """Each so many ids, an event is large, and ends a page; none is by default."""
        self._at_once = at_once
        """Whether rows are asked for together with ids."""
        self._is_cut = False
        self._watermark = application.Watermark(table, between=between)
        self.start = self._position = start
        self.seen: list[int] = []

    def look(self) -> None:
        # Another reading may begin and end within this one, as in another thread: each has its
        # own reader then.
        found = self._watermark.select(
            self._rows,
            after=self._position,
            limit=3,
            is_full=lambda: self._is_cut,
            query=self._query,
        )
        for id_, _ in found:
            self._position = id_
            self.seen.append(id_)

    def _query(self, after: int, limit: int) -> BoundQuery | None:
        if not self._at_once or self._large or limit < 1:
            return None
        self._is_cut = False
        return BoundQuery("", (after, 2**62, limit), list)

    def _rows(self, after: int, upto: int, limit: int) -> list[tuple[Any, ...]]:
        found = self._table.rows(after, upto, limit)
        ends = [n for n, (id_, _) in enumerate(found, 1) if self._large and not id_ % self._large]
        end = min(ends, default=len(found))
        self._is_cut = end < len(found)
        return found[:end]


class Simulation:
    """Runs a program: readers look, and between their statements the rest goes on."""

    def __init__(self, program: Program, *, large: int = 0, at_once: bool = False) -> None:
        self._at_once = at_once
        self._left = deque(program)
        self._large = large
        self.table = SimulatedTable(self._go_on)
        self._readers = [self._reader() for _ in READERS]
        self._others: list[SimulatedReader] = []
        self._busy: list[SimulatedReader] = []

    def run(self) -> None:
        """Run the program, end all that is open, and let the readers read the rest."""
        while self._left:
            self._go_on()
        for writer in WRITERS:
            self.table.commit(writer)
        for reader in (*self._readers, *self._others):
            for _ in range(len(self.table.committed) + 2):
                reader.look()

    def lost(self) -> list[tuple[list[int], list[int]]]:
        """Return what each reader has seen, and should have, where that is not the same."""
        pairs = [
            (reader.seen, sorted(id_ for id_ in self.table.committed if id_ > reader.start))
            for reader in (*self._readers, *self._others)
        ]
        return [(seen, expected) for seen, expected in pairs if seen != expected]

    def _reader(self, start: int = 0) -> SimulatedReader:
        return SimulatedReader(
            self.table,
            lambda _: self._go_on(),
            start,
            large=self._large,
            at_once=self._at_once,
        )

    def _go_on(self) -> None:
        """Do what the program says up to the next pause."""
        while self._left:
            action, number = self._left.popleft()
            match action:
                case "pause":
                    return
                case "read":
                    self._read(self._readers[number % len(READERS)])
                case "new reader":
                    # It begins anywhere: nobody else may believe that it is right to.
                    self._others.append(self._reader(start=self.table._last_id))
                    self._read(self._others[-1])
                case "forget":
                    watermark._forget()
                case "start anew":
                    self.table.start_anew()
                case _:
                    getattr(self.table, action.replace(" ", "_"))(number % len(WRITERS))

    def _read(self, reader: SimulatedReader) -> None:
        if reader not in self._busy and len(self._busy) < 2:
            self._busy.append(reader)
            reader.look()
            self._busy.remove(reader)
