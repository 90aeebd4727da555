"""A chain of two followers in the database of the test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_eventsourcing import registry
from django_eventsourcing.recorders import DjangoApplicationRecorder


@pytest.fixture
def configured(settings: Any, database: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """Configure a system of ``tests.django.schools``; return the setting, for other processes."""

    def configure(name: str = "long_system") -> dict[str, Any]:
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": f"tests.django.schools.{name}",
                "DATABASE": database,
                "OPTIONS": {"POLL_INTERVAL": 0.05},
            }
        }
        return settings.EVENTSOURCING

    yield configure
    registry.reset()


@pytest.fixture
def application_recorder(database: str) -> DjangoApplicationRecorder:
    return DjangoApplicationRecorder("DogSchool", alias=database)
