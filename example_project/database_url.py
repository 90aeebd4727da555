"""Database URLs: what ``DATABASES`` says of one, with what each database needs to serve well."""

import re
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

__all__ = ["database_of"]

EXAMPLES = "sqlite:////tmp/demo.sqlite3, postgresql://USER@HOST/NAME, mysql://USER@HOST/NAME"
SQLITE = "django.db.backends.sqlite3"
DRIVERS = {
    "django.db.backends.postgresql": ("PostgreSQL", "psycopg", ("psycopg", "psycopg2"), "postgres"),
    "django.db.backends.mysql": ("MariaDB or MySQL", "mysqlclient", ("MySQLdb",), "mysql"),
}


def database_of(url: str) -> dict[str, Any]:
    """
    Return what ``DATABASES`` says of a URL.

    Raise ``ImproperlyConfigured`` if the URL is none of a database that events can be kept in, or
    the database's driver is not installed.
    """
    database = _parse(url)
    _require_driver(database["ENGINE"])
    if database["ENGINE"] == SQLITE:
        database["OPTIONS"] = {
            # The lock is asked for when a transaction begins: later, it could only be refused.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # Readers do not wait for the writer, nor the writer for readers.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        }
    return database


def _parse(url: str) -> dict[str, Any]:
    with suppress(ValueError):
        database = dict(dj_database_url.parse(url))
        if database["ENGINE"] in (SQLITE, *DRIVERS):
            return database
    # The URL may hold a password.
    shown = re.sub(r"//[^/]*@", "//…@", url)
    raise ImproperlyConfigured(
        f"DATABASE_URL is {shown!r}, which is not the URL of a database that the example runs on.  "
        f"HINT: Write it like one of these: {EXAMPLES}."
    )


def _require_driver(engine: str) -> None:
    if engine == SQLITE:
        return
    name, driver, modules, extra = DRIVERS[engine]
    if not any(find_spec(module) for module in modules):
        raise ImproperlyConfigured(
            f"DATABASE_URL asks for {name}, but the driver, {driver}, is not installed.  "
            f"HINT: {sys.executable} -m pip install 'django-eventsourcing[{extra}]'"
        )
