"""Settings of the example project; ``DATABASE_URL`` says where it keeps its events."""

import os
from pathlib import Path

from example_project.database_url import database_of

BASE_DIR = Path(__file__).resolve().parent.parent

# A demo without secrets: give a key of your own to anything that others can reach.
SECRET_KEY = os.environ.get("SECRET_KEY", "for-the-demo-only-and-known-to-everybody")
DEBUG = os.environ.get("DEBUG", "on").lower() in {"1", "on", "true", "yes"}
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_eventsourcing",
    "example_project",
    "example_project.training",
    "example_project.permits",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"

# The event log.
EVENTSOURCING = {
    "default": {
        "PIPES": [
            [
                "example_project.training.application.DogSchool",
                "example_project.training.application.Counters",
            ],
            [
                "example_project.training.application.DogSchool",
                "example_project.training.leaderboard.Leaderboard",
            ],
            [
                "example_project.permits.application.PermitCases",
                "example_project.permits.application.CaseStatistics",
            ],
            [
                "example_project.permits.application.PermitCases",
                "example_project.permits.board.CaseBoard",
            ],
        ],
    },
}

DATABASE_URL = os.environ.get("DATABASE_URL") or f"sqlite:///{BASE_DIR / 'db.sqlite3'}"
DATABASES = {"default": database_of(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
