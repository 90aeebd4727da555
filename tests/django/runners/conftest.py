"""A school whose events are kept in the database of the test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_eventsourcing import get_system, registry
from django_eventsourcing.registry import ConfiguredSystem


@pytest.fixture
def configured(settings: Any, database: str) -> Iterator[Callable[..., ConfiguredSystem]]:
    """Configure a system of ``tests.django.schools``, and return it."""

    def configure(name: str = "long_system", **options: Any) -> ConfiguredSystem:
        options = {"POLL_INTERVAL": 0.05, **options}
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": f"tests.django.schools.{name}",
                "DATABASE": database,
                "OPTIONS": options,
            }
        }
        return get_system()

    yield configure
    registry.reset()
