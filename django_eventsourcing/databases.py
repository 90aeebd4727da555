"""Databases: whether one is ready for events, told in one line before any work begins."""

from collections.abc import Iterable

from django.apps import apps
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

__all__ = ["DatabaseNotReadyError", "describe", "labels_of", "require_ready"]

_APP_LABEL = "django_eventsourcing"


class DatabaseNotReadyError(CommandError):
    """A database cannot be reached, or lacks tables; the text names it and the remedy."""


def require_ready(alias: str = DEFAULT_DB_ALIAS, app_labels: Iterable[str] = ()) -> None:
    """
    Raise ``DatabaseNotReadyError`` unless the database answers and its tables are there.

    The migrations looked for are those of this app and of those named by ``app_labels``.
    """
    connection = connections[alias]
    try:
        connection.ensure_connection()
        missing = _missing_migrations(connection, {_APP_LABEL, *app_labels})
    except Error as error:
        raise DatabaseNotReadyError(_unreachable(connection, error)) from error
    if missing:
        names = ", ".join(f"{label} ({count})" for label, count in missing.items())
        option = "" if alias == DEFAULT_DB_ALIAS else f" --database {alias}"
        raise DatabaseNotReadyError(
            f"Database {alias!r} ({describe(alias)}) lacks migrations of: {names}.  "
            f"HINT: Run 'manage.py migrate{option}'."
        )


def describe(alias: str) -> str:
    """Return what and where the database is: ``PostgreSQL at 127.0.0.1:5432/school``."""
    connection = connections[alias]
    values = connection.settings_dict
    name = str(values["NAME"])
    try:
        kind = connection.display_name
    except Error:
        # To tell MariaDB from MySQL, the server would have to be asked.
        kind = "MySQL"
    if connection.vendor == "sqlite":
        return f"{kind} at {name}"
    host = str(values["HOST"] or "localhost")
    port = f":{values['PORT']}" if values["PORT"] else ""
    return f"{kind} at {host}{port}/{name}"


def labels_of(classes: Iterable[type]) -> set[str]:
    """Return the labels of the installed apps that the classes belong to."""
    configs = (apps.get_containing_app_config(cls.__module__) for cls in classes)
    return {config.label for config in configs if config is not None}


def _missing_migrations(connection: BaseDatabaseWrapper, labels: set[str]) -> dict[str, int]:
    executor = MigrationExecutor(connection)
    targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] in labels]
    missing: dict[str, int] = {}
    for migration, _ in executor.migration_plan(targets):
        missing[migration.app_label] = missing.get(migration.app_label, 0) + 1
    return missing


def _unreachable(connection: BaseDatabaseWrapper, error: Exception) -> str:
    lines = (" ".join(line.split()) for line in str(error).splitlines())
    reason = "; ".join(line for line in lines if line) or type(error).__name__
    password = str(connection.settings_dict.get("PASSWORD") or "")
    if password:
        reason = reason.replace(password, "***")
    alias = connection.alias
    if connection.vendor == "sqlite":
        remedy = f"Correct the path in DATABASES[{alias!r}], or make its directory writable."
    else:
        remedy = f"Start it, or correct DATABASES[{alias!r}] in your settings."
    return f"Database {alias!r} ({describe(alias)}) cannot be reached: {reason}  HINT: {remedy}"
