"""The watermark: whatever writers and readers do at the same time, no reader passes an event by."""

import os

import pytest
from django.db import NotSupportedError
from hypothesis import given, settings
from hypothesis import strategies as st

from django_eventsourcing import watermark
from django_eventsourcing.recorders import application
from tests.django.persistence.simulation import (
    ACTIONS,
    RARE_ACTIONS,
    SimulatedReader,
    SimulatedTable,
    Simulation,
)

steps = st.tuples(st.sampled_from(ACTIONS * 3 + RARE_ACTIONS), st.integers(0, 3))
programs = st.lists(steps, max_size=60)
long_programs = st.lists(steps, min_size=60, max_size=120)
PAUSE = ("pause", 0)


@given(programs)
@settings(max_examples=400, deadline=None)
def test_no_reader_passes_an_event_by(program):
    simulation = Simulation(program)

    simulation.run()

    assert simulation.lost() == []


@given(long_programs, st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_no_reader_passes_an_event_by_where_large_ones_end_a_page(program, large):
    simulation = Simulation(program, large=large)

    simulation.run()

    assert simulation.lost() == []


@given(programs)
@settings(max_examples=400, deadline=None)
def test_no_reader_passes_an_event_by_that_asks_for_ids_and_rows_at_once(program):
    simulation = Simulation(program, at_once=True)

    simulation.run()

    assert simulation.lost() == []


@pytest.mark.stress
@pytest.mark.parametrize("at_once", [False, True])
@given(program=programs)
@settings(max_examples=100_000, deadline=None)
def test_no_reader_passes_an_event_by_in_many_programs(at_once, program):
    simulation = Simulation(program, at_once=at_once)

    simulation.run()

    assert simulation.lost() == []


def test_rows_that_are_asked_for_before_the_ids_lose_events(monkeypatch):
    ids = SimulatedTable.ids

    def rows_first(table, after, query=None):
        rows = table.rows(*query.params) if query else None
        return ids(table, after)._replace(rows=rows)

    monkeypatch.setattr(SimulatedTable, "ids", rows_first)
    # The first one is committed after the rows have been read, and before the ids are.
    simulation = Simulation(
        [("draw", 0), ("draw", 1), ("commit", 1), ("read", 0), PAUSE, ("commit", 0)], at_once=True
    )

    simulation.run()

    assert simulation.lost()


def test_an_answer_that_was_long_on_its_way_says_nothing_of_later_waits():
    simulation = Simulation(
        [
            *[("draw", 0), ("draw", 1), ("commit", 1)],
            *[("read", 0), PAUSE, PAUSE, PAUSE],
            # The answer is: number 0 holds the lock. While it is on its way:
            *[("draw", 2), ("draw", 3), ("commit", 3)],
            *[("read", 1), PAUSE, PAUSE, PAUSE, PAUSE, PAUSE],
            *[PAUSE, ("commit", 0), PAUSE],
            *[("read", 0), *[PAUSE] * 8],
        ]
    )

    simulation.run()

    assert simulation.lost() == []


class Watched:
    """A simulated table with one reader, and the statements that it has caused."""

    def __init__(self, *, large: int = 0, at_once: bool = False) -> None:
        self.table = SimulatedTable()
        self.statements: list[str] = []
        self.reader = SimulatedReader(
            self.table, self.statements.append, large=large, at_once=at_once
        )

    def commit(self, count: int = 1) -> None:
        for _ in range(count):
            self.table.draw(0)
        self.table.commit(0)

    def look(self) -> list[str]:
        """Look once, and return the names of the statements."""
        self.statements.clear()
        self.reader.look()
        return self.statements[:-1]

    @property
    def state(self) -> watermark._State:
        return watermark._states[self.table.key]


@pytest.fixture
def watched():
    return Watched()


def test_ids_without_a_gap_are_read_without_a_look_at_holders(watched):
    watched.commit(2)

    assert watched.look() == ["ids", "rows"]
    assert watched.reader.seen == [1, 2]


def test_ids_and_rows_are_read_at_once_unless_a_gap_is_waited_for(monkeypatch):
    watched, queries = Watched(at_once=True), []
    ids = SimulatedTable.ids

    def noting(table, after, query=None):
        queries.append(query)
        return ids(table, after, query)

    monkeypatch.setattr(SimulatedTable, "ids", noting)
    watched.commit(2)
    assert watched.look() == ["ids"]

    watched.table.draw(1)
    watched.commit(1)
    assert watched.look() == ["ids", "holders"]
    assert watched.look() == ["ids", "holders"]

    watched.table.roll_back(1)
    assert watched.look() == ["ids", "holders", "rows"]
    assert watched.reader.seen == [1, 2, 4]
    assert [query is not None for query in queries] == [True, True, False, False]


def test_to_catch_up_takes_one_statement_for_each_batch(watched):
    watched.commit(20)

    looks = [watched.look() for _ in range(6)]

    assert looks == [["ids", "holders", "rows"], *[["rows"]] * 5]


def test_what_is_behind_a_large_event_is_read_before_what_is_settled_since():
    watched = Watched(large=1)
    watched.commit(3)
    watched.look()
    watched.commit()

    looks = [watched.look() for _ in range(3)]

    assert watched.reader.seen == [1, 2, 3, 4]
    assert looks == [["rows"], ["rows", "ids", "rows"], ["ids"]]


def test_a_look_that_finds_nothing_takes_one_statement(watched):
    watched.commit()
    watched.look()

    assert watched.look() == ["ids"]


def test_a_gap_that_nobody_holds_is_passed_at_once(watched):
    watched.table.draw(1)
    watched.table.roll_back(1)
    watched.commit()

    assert watched.look() == ["ids", "holders", "rows"]
    assert watched.reader.seen == [2]


def test_a_gap_that_is_held_is_passed_when_its_holder_ends(watched):
    watched.table.draw(1)
    watched.commit()

    assert watched.look() == ["ids", "holders"]
    watched.table.roll_back(1)
    assert watched.look() == ["ids", "holders", "rows"]
    assert watched.reader.seen == [2]


def test_writers_that_come_later_do_not_prolong_a_wait(watched):
    for writer in (1, 2, 3) * 3:
        # There is always one that holds the lock.
        watched.table.draw(writer)
        watched.commit()
        watched.look()
        watched.table.roll_back(writer % 3 + 1)

    assert watched.reader.seen == [2, 4, 6, 8, 10, 12]


def test_what_one_reader_has_found_serves_the_others(watched):
    watched.commit(3)
    watched.look()
    other = Watched()
    other.table = watched.table
    other.reader = SimulatedReader(other.table, other.statements.append)

    assert other.look() == ["rows"]


def test_where_one_reader_begins_says_nothing_to_the_others(watched):
    watched.table.draw(1)
    watched.commit()
    other = SimulatedReader(watched.table, lambda _: None, start=2)
    watched.commit()
    other.look()

    watched.look()

    assert (other.seen, watched.reader.seen) == ([3], [])


def test_there_are_never_more_waits_than_writers(watched):
    watched.table.draw(1)
    for _ in range(500):
        watched.commit()
        watched.look()

    assert len(watched.state.waits) == 1


def test_a_server_that_was_started_anew_makes_all_that_was_known_forgotten(watched):
    watched.commit()
    watched.look()
    watched.table.start_anew()
    watched.commit()

    watched.look()

    assert watched.reader.seen == [1, 2]
    assert watched.state.session == watched.table.session


def test_a_server_that_is_another_one_with_each_statement_is_refused(watched):
    watched.commit()
    watched.look()

    class Alternating(SimulatedTable):
        @property
        def session(self):
            self.server += 1
            return super().session

    table = Alternating()
    table.draw(0)
    table.commit(0)
    with pytest.raises(NotSupportedError) as raised:
        SimulatedReader(table, lambda _: None).look()

    assert str(raised.value) == (
        "notifications are read from a server that is another one with each statement. "
        "Let HOST name one server, the primary."
    )


@pytest.mark.parametrize(
    ("session", "message"),
    [
        (
            "1 t read committed",
            (
                "notifications cannot be read from a replica: it does not show which events are "
                "still to be committed. Read them from the primary server."
            ),
        ),
        (
            "1 f repeatable read",
            (
                "notifications cannot be read at the isolation level 'repeatable read': what is "
                "committed meanwhile would not be seen, and passed by. Read them at 'read "
                "committed'."
            ),
        ),
    ],
)
def test_a_server_that_does_not_show_all_is_refused(monkeypatch, watched, session, message):
    monkeypatch.setattr(SimulatedTable, "session", session)

    with pytest.raises(NotSupportedError) as raised:
        watched.look()

    assert str(raised.value) == message


def test_the_poll_interval_is_short_while_a_gap_is_waited_for(monkeypatch, watched):
    times = iter([100.0, 100.0, 100.1, 101.0, 160.0])
    monkeypatch.setattr(watermark, "monotonic", lambda: next(times))
    mark = application.Watermark(watched.table)
    assert mark.poll_interval(0.5) == 0.5

    watched.table.draw(1)
    watched.commit()
    watched.look()
    waits = [mark.poll_interval(0.5) for _ in range(4)]

    assert waits == [0.003, pytest.approx(0.01), pytest.approx(0.1), 0.5]
    watched.table.commit(1)
    watched.look()
    assert mark.poll_interval(0.5) == 0.5


def test_a_child_process_knows_nothing(watched):
    watched.commit()
    watched.look()

    child = os.fork()
    if child == 0:
        os._exit(0 if not watermark._states else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert watched.table.key in watermark._states


def test_settings_that_change_make_all_that_was_known_forgotten(settings, watched):
    watched.commit()
    watched.look()

    settings.EVENTSOURCING = {}

    assert watermark._states == {}
