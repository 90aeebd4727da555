"""Locks: of threads, looked at from outside; and of databases, waited for no longer than a test."""

from threading import RLock

from django.db import connections

SECONDS = 20
STATEMENTS = {
    "postgresql": f"SET lock_timeout = '{SECONDS}s'",
    "mysql": f"SET innodb_lock_wait_timeout = {SECONDS}",
}


def limit_waits(alias: str) -> None:
    """Let the thread wait for no lock for ever: a test that fails is to end."""
    connection = connections[alias]
    # SQLite's is in the settings.
    if connection.vendor in STATEMENTS:
        with connection.cursor() as cursor:
            cursor.execute(STATEMENTS[connection.vendor])


def is_taken(lock: RLock) -> bool:
    """Tell whether another thread has the lock."""
    if lock.acquire(blocking=False):
        lock.release()
        return False
    return True
