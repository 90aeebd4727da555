"""Systems whose projections write to the database of the test."""

import pytest

from django_eventsourcing import get_system, registry


class Sending:
    """A router that sends the models of the tests to one database."""

    def __init__(self, alias):
        self.alias = alias

    def db_for_write(self, model, **hints):
        return self.alias if model._meta.app_label == "own_models" else None

    db_for_read = db_for_write


@pytest.fixture
def configured(settings, database):
    """Configure a system of ``tests.django.projections.boards``, and return it."""

    def configure(name="board_system", **options):
        settings.DATABASE_ROUTERS = [Sending(database)]
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": f"tests.django.projections.boards.{name}",
                "DATABASE": database,
                "OPTIONS": {"POLL_INTERVAL": 0.05, **options},
            }
        }
        return get_system()

    yield configure
    registry.reset()
