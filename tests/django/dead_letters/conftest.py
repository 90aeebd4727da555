"""A system whose followers set aside what they cannot process, on each database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_eventsourcing import get_system, registry
from django_eventsourcing.models import DeadLetterRecord
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners import ThreadedRunner
from tests.core.school import DogSchool
from tests.django.dead_letters.clerks import Clerk


@pytest.fixture
def configured(settings: Any, database: str) -> Iterator[Callable[..., ConfiguredSystem]]:
    """Configure the system of clerks, which park at once unless told otherwise."""

    def configure(applications: Any = None, **on_error: Any) -> ConfiguredSystem:
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": "tests.django.dead_letters.clerks.clerks_system",
                "DATABASE": database,
                "APPLICATIONS": applications or {},
                "OPTIONS": {
                    "POLL_INTERVAL": 0.05,
                    "ON_ERROR": {"retries": 0, "backoff": [0.01], "then": "park", **on_error},
                },
            }
        }
        return get_system()

    yield configure
    registry.reset()


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what removes the cause of the clerk's failures."""
    return lambda: monkeypatch.setattr(Clerk, "is_mended", True)


@pytest.fixture
def letters(database: str) -> Callable[..., list[Any]]:
    """Return what gives values of the dead letters, in the order of the log."""

    def values(*fields: str, follower: str = "Clerk", **filters: Any) -> list[Any]:
        records = DeadLetterRecord.objects.using(database).filter(
            application_name=follower, **filters
        )
        is_flat = len(fields) == 1
        return list(records.order_by("notification_id").values_list(*fields, flat=is_flat))

    return values


@pytest.fixture
def teach() -> Callable[..., Any]:
    """Return what registers a dog with tricks."""

    def teach(system: ConfiguredSystem, *tricks: str, dog_id: Any = None) -> Any:
        school = system.get(DogSchool)
        dog_id = dog_id or school.register_dog("Fido")
        for trick in tricks:
            school.add_trick(dog_id, trick)
        return dog_id

    return teach


@pytest.fixture
def run_once() -> Callable[..., Any]:
    """Return what runs a system until it has caught up; it gives the reports by follower."""

    def run(system: ConfiguredSystem, **kwargs: Any) -> Any:
        runner = ThreadedRunner(system, once=True, **kwargs)
        runner.start()
        assert runner.wait(60), runner.reports()
        return {report.follower: report for report in runner.reports()}

    return run
