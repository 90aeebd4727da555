"""Systems with synchronous followers, on the database of the test."""

import pytest

from django_eventsourcing import get_system, registry
from tests.django.own_models.models import TrickCount
from tests.django.projections.conftest import Sending


@pytest.fixture
def configured(settings, database):
    """Configure a system in which the named followers are set to be synchronous; return it."""

    def configure(*followers, system="tests.django.projections.boards.board_system", **options):
        registry.reset()
        settings.DATABASE_ROUTERS = [Sending(database)]
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": system,
                "DATABASE": database,
                "APPLICATIONS": {name: {"SYNC": True} for name in followers},
                "OPTIONS": {"POLL_INTERVAL": 0.05, **options},
            }
        }
        return get_system()

    yield configure
    registry.reset()


@pytest.fixture
def counts(database):
    """Return what the table holds."""
    return lambda: dict(TrickCount.objects.using(database).values_list("trick", "count"))
