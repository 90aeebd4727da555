"""Systems whose followers are waited for, in the database of the test."""

import pytest
from django.core.cache import cache

from django_eventsourcing import get_system, registry
from eventsourcing.application import LocalNotificationLog

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django_eventsourcing.reading_own_writes.ReadYourWritesMiddleware",
]


@pytest.fixture
def configured(settings, database):
    """Configure a system by its dotted path; return the setting, for other processes."""

    def configure(system="tests.django.projections.boards.board_system", applications=None):
        value = {
            "default": {
                "SYSTEM": system,
                "DATABASE": database,
                "OPTIONS": {"POLL_INTERVAL": 0.05},
                "APPLICATIONS": applications or {},
            }
        }
        settings.EVENTSOURCING = value
        return value

    yield configure
    registry.reset()


@pytest.fixture
def site(settings):
    """Serve the views of the tests, with sessions that need no database."""
    settings.ROOT_URLCONF = "tests.django.reading_own_writes.urls"
    settings.MIDDLEWARE = MIDDLEWARE
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    cache.clear()


@pytest.fixture
def process():
    """Return what lets a follower process all that its upstream has recorded, in this thread."""

    def process(follower, *leaders):
        system = get_system()
        for leader in leaders:
            app = system.get(leader)
            system.get(follower).follow(app.name, LocalNotificationLog(app.recorder, 100))
            system.get(follower).pull_and_process(app.name)

    return process
