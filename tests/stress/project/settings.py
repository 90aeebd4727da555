"""Settings of the processes that the stress tests start; the environment says what differs."""

import json
import os

SECRET_KEY = "for-tests-only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_eventsourcing",
    "tests.stress.project.apps.StressConfig",
]
ROOT_URLCONF = "tests.stress.project.urls"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # What a request has failed with is counted by who asked for it.
    "loggers": {"django.request": {"level": "CRITICAL"}},
}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        **json.loads(os.environ.get("STRESS_DATABASE", "{}")),
    }
}
EVENTSOURCING = {
    "default": {
        "SYSTEM": os.environ.get("STRESS_SYSTEM", "tests.stress.project.applications.system"),
        "OPTIONS": {"POLL_INTERVAL": 0.1, **json.loads(os.environ.get("STRESS_OPTIONS", "{}"))},
        "APPLICATIONS": json.loads(os.environ.get("STRESS_APPLICATIONS", "{}")),
    }
}
