"""
Settings of the tests: SQLite always, PostgreSQL and MariaDB where they answer.

TEST_POSTGRES_URL and TEST_MARIADB_URL say where the servers are. Each run makes databases of its
own, named after TEST_RUN_ID; processes that a test starts with these settings find it in their
environment and use the same ones.
"""

import os
from pathlib import Path
from typing import Any

import dj_database_url
from django.db.utils import load_backend

BASE_DIR = Path(__file__).resolve().parent.parent
CACHE_DIR = BASE_DIR / ".cache" / "tests"
CACHE_DIR.mkdir(parents=True, exist_ok=True)

# Tests that run side by side (pytest-xdist) have databases of their own, too.
SIDE = os.environ.get("PYTEST_XDIST_WORKER", "")
IS_CHILD = "TEST_RUN_ID" in os.environ and os.environ["TEST_RUN_ID"].endswith(SIDE)
if not IS_CHILD:
    os.environ["TEST_RUN_ID"] = f"{os.getpid()}{SIDE}"
RUN_ID = os.environ["TEST_RUN_ID"]

SECRET_KEY = "for-tests-only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
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
    "tests.django.own_models",
    "tests.django.read_models",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
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
ROOT_URLCONF = "example_project.urls"
STATIC_URL = "static/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
EVENTSOURCING: dict[str, Any] = {}

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(CACHE_DIR / f"{RUN_ID}.sqlite3"),
        # A file, not memory: threads and processes share it.
        "TEST": {"NAME": str(CACHE_DIR / f"{RUN_ID}.sqlite3")},
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
    },
}
SERVERS = {
    "postgres": ("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres", "postgres"),
    "mariadb": ("TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/mysql", "mysql"),
}
UNREACHABLE: dict[str, str] = {}
"""Why a database is not in DATABASES, and how to turn it on."""


def ask(alias: str, database: dict[str, Any]) -> None:
    """Connect to the server, or raise what it says."""
    wrapper = load_backend(database["ENGINE"]).DatabaseWrapper(
        {
            **database,
            "TIME_ZONE": None,
            "CONN_MAX_AGE": 0,
            "CONN_HEALTH_CHECKS": False,
            "AUTOCOMMIT": True,
            "ATOMIC_REQUESTS": False,
        },
        alias,
    )
    wrapper.Database.connect(**wrapper.get_connection_params()).close()


# A process that a test starts need not ask again, nor import drivers that it has no use for.
ANSWERING = os.environ.get("TEST_ANSWERING", "").split() if IS_CHILD else []

for alias, (variable, default_url, extra) in SERVERS.items():
    database: dict[str, Any] = dict(dj_database_url.parse(os.environ.get(variable, default_url)))
    database["OPTIONS"] = {"connect_timeout": 3}
    if alias == "mariadb":
        database["OPTIONS"]["charset"] = "utf8mb4"
    try:
        if alias not in ANSWERING:
            ask(alias, database)
    except Exception as error:  # noqa: BLE001
        UNREACHABLE[alias] = (
            f"{alias} does not answer ({type(error).__name__}): set {variable} to the URL of a "
            f"server, and `pip install 'django-eventsourcing[{extra}]'` for its driver "
            f"(the server itself: `apt-get install {'mariadb-server' if alias == 'mariadb' else 'postgresql'}`)"
        )
        continue
    name = f"test_django_eventsourcing_{RUN_ID}"
    database["TEST"] = {"NAME": name, "DEPENDENCIES": []}
    if alias == "mariadb":
        database["TEST"] |= {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_general_ci"}
    if IS_CHILD:
        database["NAME"] = name
    DATABASES[alias] = database
os.environ["TEST_ANSWERING"] = " ".join(DATABASES.keys() & SERVERS.keys())
