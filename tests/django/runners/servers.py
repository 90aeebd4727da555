"""What a server can do to a connection."""

import pytest
from django.db import connections


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
