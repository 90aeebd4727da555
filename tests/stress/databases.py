"""Connections of the tests themselves, apart from Django's own ones, and migrated databases."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "tests.stress.project.settings"


def connect(database: dict[str, Any]) -> BaseDatabaseWrapper:
    """Return a connection in autocommit mode."""
    values = {
        "TIME_ZONE": None,
        "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "USER": "",
        "PASSWORD": "",
        "HOST": "",
        "PORT": "",
        "OPTIONS": {},
        **database,
    }
    wrapper: BaseDatabaseWrapper = load_backend(values["ENGINE"]).DatabaseWrapper(values, "stress")
    # Threads of a test may take turns at it.
    wrapper.inc_thread_sharing()
    return wrapper


def query(database: dict[str, Any], sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """Return the rows of one query, by a connection of its own."""
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def execute(database: dict[str, Any], *statements: str) -> None:
    """Execute statements one by one, each committed at once."""
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


def migrate(database: dict[str, Any]) -> None:
    """Make the tables of the project of these tests."""
    done = subprocess.run(
        manage("migrate", "--run-syncdb", "--verbosity=0"),
        cwd=ROOT,
        env=environment(database),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def manage(*arguments: object) -> list[str]:
    """Return the command line of a command of Django."""
    return [sys.executable, "-m", "django", *map(str, arguments)]


def environment(
    database: dict[str, Any], options: dict[str, Any] | None = None, **variables: str
) -> dict[str, str]:
    """Return the environment of a process of the project that works on the database."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "PYTHONUNBUFFERED": "1",
        "STRESS_DATABASE": json.dumps(database),
        "STRESS_OPTIONS": json.dumps(options or {}),
        **variables,
    }
