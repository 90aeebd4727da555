"""The databases of contenders: a directory for SQLite, or the URL of one on a server."""

import sqlite3
from pathlib import Path
from urllib.parse import urlsplit


def is_sqlite(url):
    return url.startswith("sqlite:///")


def directory(url):
    return Path(url.removeprefix("sqlite:///"))


def sqlite_file(url, name):
    """Return a file of SQLite's in the directory, with the journal that a web site would have."""
    path = directory(url) / f"{name}.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    return str(path)


def django_database(url, name):
    """Return the entry of DATABASES."""
    if is_sqlite(url):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": sqlite_file(url, name),
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
            "CONN_MAX_AGE": None,
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,
    }
