"""Fixtures: shadow tables of the read models, and rows in those in use."""

import pytest

from django_eventsourcing.projections.tables import ShadowTables
from tests.django.projections.tables.rows import MODELS, fill


@pytest.fixture
def tables(database):
    """Return shadow tables that are dropped at the end."""
    tables = ShadowTables(MODELS, database)
    yield tables
    tables.drop()


@pytest.fixture
def live(database):
    """Fill the tables in use: two tricks, a dog that knows both, and a lesson."""
    return fill(database, "sit", "beg")
