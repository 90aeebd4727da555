"""Renewing: how long a thread that looks again and again keeps its database connections."""

import time
from typing import Any

from django.db import connections

__all__ = ["LONGEST_AGE", "renew_connection", "renew_connections"]

LONGEST_AGE = 600.0
"""Seconds after which a connection is opened anew, unless ``CONN_MAX_AGE`` is more."""


def renew_connections() -> None:
    """Close those of the calling thread's connections that are lost, or old, and not in use."""
    for connection in connections.all(initialized_only=True):
        renew_connection(connection)


def renew_connection(connection: Any) -> None:
    """
    Close the connection if it is lost, or old, and not in use.

    ``CONN_MAX_AGE`` is made for requests: with Django's 0, a thread that polls would connect anew
    for each look. Past that age a connection is kept, and tried before its next use. One from a
    pool is given back instead, as others wait for it.
    """
    closes_at = connection.close_at
    if _is_kept(connection):
        connection.close_at, connection.health_check_enabled = None, True
    try:
        connection.close_if_unusable_or_obsolete()
    finally:
        # Requests that the same thread serves go by the setting.
        connection.close_at = closes_at
    if connection.connection is None:
        connection.errors_occurred = False


def _is_kept(connection: Any) -> bool:
    """Tell whether it is too old for a request, and not for a thread that polls."""
    if connection.close_at is None or connection.settings_dict["OPTIONS"].get("pool"):
        return False
    past = time.monotonic() - float(connection.close_at)
    return 0 <= past < LONGEST_AGE - float(connection.settings_dict["CONN_MAX_AGE"])
