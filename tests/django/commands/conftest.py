"""Systems for the commands, kept in the database of the test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_eventsourcing import registry


@pytest.fixture
def configured(settings: Any, database: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """Configure a system of ``tests.django.schools``; return the setting, for other processes."""

    def configure(name: str = "long_system", **options: Any) -> dict[str, Any]:
        value = {
            "default": {
                "SYSTEM": f"tests.django.schools.{name}",
                "DATABASE": database,
                "OPTIONS": {"POLL_INTERVAL": 0.05, **options},
            }
        }
        settings.EVENTSOURCING = value
        return value

    yield configure
    registry.reset()
