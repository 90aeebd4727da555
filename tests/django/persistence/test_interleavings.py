"""No interleaving of a reader's statements with a writer's loses an event on PostgreSQL."""

import pytest

from tests.databases import on
from tests.django.persistence.interleavings import PLACES, STATES, cases

pytestmark = [
    on("postgres"),
    pytest.mark.parametrize("state", STATES),
    pytest.mark.parametrize("place", PLACES),
]


def test_nothing_is_lost(database, place, state):
    for case in cases(database, place, state):
        seen, committed = case.run()

        assert seen == committed, case


def test_nothing_is_lost_by_a_reader_that_forgets_all_but_its_position(database, place, state):
    for case in cases(database, place, state, is_restarted=True):
        seen, committed = case.run()

        assert seen == committed, case
