"""Known wrong: each way that has lost events, put in on purpose, loses some in a case of ours."""

import random
from collections.abc import Iterator

import pytest
from django.db import transaction

from django_eventsourcing.recorders import DjangoApplicationRecorder
from eventsourcing.conformance import selected, stored_event
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.persistence.interleavings import PLACES, STATES, cases, forget
from tests.django.persistence.known_wrong import VARIANTS
from tests.django.persistence.simulation import ACTIONS, RARE_ACTIONS, Simulation
from tests.django.persistence.test_commit_order import TailingReader, insert_by_plain_sql

pytestmark = pytest.mark.faults

PROGRAMS = 20_000
"""How many programs of chance are tried; those that are wrong are found out before."""

FOUND_LATE = {
    "rows not read by a new statement",
    "an old look at holders used for a later wait",
}
"""What a case of chance alone brings to light, after many that do not."""


@on("postgres")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.stress) if name in FOUND_LATE else name
        for name in VARIANTS
    ],
)
def test_it_is_caught(database, name):
    with VARIANTS[name].applied():
        assert any(losses(database)), f"nothing guards against {name}"


@on("postgres")
@pytest.mark.parametrize(
    "programs", [PROGRAMS // 10, pytest.param(PROGRAMS, marks=pytest.mark.stress)]
)
def test_the_right_way_is_not(database, programs):
    assert not any(losses(database, programs))


def losses(alias: str, programs: int = PROGRAMS) -> Iterator[bool]:
    """Return of each case whether something is lost; those that need no database are last."""
    yield loses_an_insert_from_elsewhere(alias)
    yield loses_after_a_look_at_its_own(alias)
    for place in PLACES:
        for state in STATES:
            for case in cases(alias, place, state):
                seen, committed = case.run()
                yield seen != committed
    chance = random.Random(4)
    for _ in range(programs):
        simulation = Simulation(
            [
                (chance.choice(ACTIONS * 3 + RARE_ACTIONS), chance.randrange(4))
                for _ in range(chance.randrange(60))
            ]
        )
        simulation.run()
        yield bool(simulation.lost())


def loses_an_insert_from_elsewhere(alias: str) -> bool:
    forget()
    reader = TailingReader(alias)
    reader.position = reader.recorder.log.last_position() or 0
    with Elsewhere() as elsewhere:
        held = OpenTransaction(elsewhere, alias)
        late = elsewhere.do(insert_by_plain_sql, alias)
        reader.recorder.insert_events([stored_event()])
        reader.poll()
        held.commit()
    reader.poll()
    return late not in reader.seen


def loses_after_a_look_at_its_own(alias: str) -> bool:
    forget()
    recorder = DjangoApplicationRecorder("DogSchool", alias=alias)
    recorder.insert_events([stored_event()])
    start = recorder.settled_notification_id()

    def look() -> list[int]:
        return selected(recorder, start, 10, inclusive_of_start=False)

    with Elsewhere() as elsewhere:
        with transaction.atomic(using=alias):
            (own,) = recorder.insert_events([stored_event()])
            look()
            elsewhere.do(recorder.insert_events, [stored_event()])
            seen = elsewhere.do(look)
        return bool(seen) and own not in seen
