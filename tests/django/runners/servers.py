"""What a database can do to a connection."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from django import db
from django.db import connections

from eventsourcing import persistence


def locked_out() -> persistence.OperationalError:
    """Return the error of a write that another connection's lock is in the way of."""
    name = "file:locked_out?mode=memory&cache=shared"
    with (
        closing(sqlite3.connect(name, uri=True)) as one,
        closing(sqlite3.connect(name, uri=True, timeout=0)) as two,
    ):
        one.execute("BEGIN EXCLUSIVE")
        try:
            two.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as cause:
            error = db.OperationalError(*cause.args)
            error.__cause__ = cause
    told = persistence.OperationalError("Database 'default': database is locked")
    told.__cause__ = error
    return told


def cut_connection(alias: str) -> None:
    """Let the server end the calling thread's connection; skip where there is no server."""
    connection = connections[alias]
    if connection.vendor == "sqlite":
        pytest.skip("A file is not lost like a connection to a server.")
    is_postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()" if is_postgres else "SELECT CONNECTION_ID()")
        (session,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)" if is_postgres else "KILL %s", [session])
    other.close()


@contextmanager
def away(alias: str) -> Iterator[None]:
    """Let a database of PostgreSQL end all its connections, and take no new ones, within."""
    connection = connections[alias]
    name = connection.settings_dict["NAME"]
    connection.close()
    with connection._nodb_cursor() as cursor:
        quoted = connection.ops.quote_name(name)
        cursor.execute(f"ALTER DATABASE {quoted} ALLOW_CONNECTIONS false")
        try:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            cursor.execute(f"ALTER DATABASE {quoted} ALLOW_CONNECTIONS true")
