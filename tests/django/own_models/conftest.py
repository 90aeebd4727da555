"""Fixtures: the school in the settings, on each database."""

import pytest

from django_eventsourcing import get_system, registry
from tests.django.own_models.school import values


@pytest.fixture
def configured(settings, database):
    """Configure the school and return its system."""
    settings.EVENTSOURCING = {"default": values(DATABASE=database)}
    yield get_system()
    registry.reset()
