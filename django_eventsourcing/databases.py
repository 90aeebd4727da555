"""Databases: whether one is ready for events, told in one line before any work begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.apps import apps
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model

from django_eventsourcing.wording import Words

if TYPE_CHECKING:
    from django_eventsourcing.registry import ConfiguredSystem

__all__ = [
    "DatabaseNotReadyError",
    "describe",
    "is_allowed",
    "labels_of",
    "models_in",
    "require_ready",
    "without_password",
]

_APP_LABEL = "django_eventsourcing"


class DatabaseNotReadyError(CommandError):
    """
    A database cannot be reached, lacks tables, or would lose events.

    The text names it and the remedy.
    """


def require_ready(
    alias: str = DEFAULT_DB_ALIAS,
    app_labels: Iterable[str] = (),
    models: Iterable[type[Model]] = (),
) -> None:
    """
    Raise ``DatabaseNotReadyError`` unless the database answers and its tables are there.

    The migrations looked for are those of this app and of those named by ``app_labels``, as far
    as routers let models of theirs into the database. The tables of ``models`` must be there,
    and those of events must keep the order of commits.
    """
    models = list(models)
    connection = connections[alias]
    try:
        connection.ensure_connection()
        fault = (
            _missing_migrations(connection, {_APP_LABEL, *app_labels})
            or _missing_tables(connection, models)
            or _loss_of_events(connection, models)
        )
    except Error as error:
        raise DatabaseNotReadyError(_unreachable(connection, error)) from error
    if fault:
        raise DatabaseNotReadyError(fault)


def models_in(system: ConfiguredSystem, alias: str) -> list[type[Model]]:
    """Return the models whose tables the system's applications need in the database, each once."""
    from django_eventsourcing.models import (
        DeadLetterRecord,
        FollowerRecord,
        FollowerStatistic,
        NotificationCounter,
        ProjectionRecord,
        RebuildRequest,
        WorkerRecord,
    )
    from django_eventsourcing.projections import ModelProjection

    models: list[type[Model]] = []
    for name in system.names_in(alias):
        own = system.models_of(name)
        models += [own.event, own.snapshot]
        if name in system.system.follows:
            models += [own.tracking, FollowerRecord, WorkerRecord]
            models += [DeadLetterRecord, FollowerStatistic]
            if issubclass(system.class_of(name), ModelProjection):
                models += [ProjectionRecord, RebuildRequest]
    if models and connections[alias].vendor == "mysql":
        models.append(NotificationCounter)
    return list(dict.fromkeys(models))


def is_allowed(model: type[Model], alias: str) -> bool:
    """Tell whether the database routers let the model's table into the database."""
    return bool(router.allow_migrate_model(alias, model))


def describe(alias: str) -> Words:
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
        return Words.gettext("%(kind)s at %(place)s", kind=kind, place=name)
    host = str(values["HOST"] or "localhost")
    port = f":{values['PORT']}" if values["PORT"] else ""
    return Words.gettext("%(kind)s at %(place)s", kind=kind, place=f"{host}{port}/{name}")


def without_password(alias: str, text: str) -> str:
    """Return the text with stars for the database's password, should a server repeat it."""
    password = str(connections[alias].settings_dict.get("PASSWORD") or "")
    return text.replace(password, "***") if password else text


def labels_of(classes: Iterable[type]) -> set[str]:
    """Return the labels of the installed apps that the classes belong to."""
    configs = (apps.get_containing_app_config(cls.__module__) for cls in classes)
    return {config.label for config in configs if config is not None}


def _missing_migrations(connection: BaseDatabaseWrapper, labels: set[str]) -> str:
    alias = connection.alias
    executor = MigrationExecutor(connection)
    targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] in labels]
    missing: dict[str, int] = {}
    # Routers keep whole apps out of a database; what they need is not missed there.
    for migration, _ in executor.migration_plan(targets):
        if any(is_allowed(m, alias) for m in apps.get_app_config(migration.app_label).get_models()):
            missing[migration.app_label] = missing.get(migration.app_label, 0) + 1
    if not missing:
        return ""
    names = ", ".join(f"{label} ({count})" for label, count in missing.items())
    return (
        f"Database {alias!r} ({describe(alias)}) lacks migrations of: {names}.  "
        f"HINT: Run 'manage.py migrate{_option(alias)}'."
    )


def _missing_tables(connection: BaseDatabaseWrapper, models: Sequence[type[Model]]) -> str:
    alias = connection.alias
    # As Django compares them: servers may change the case of names.
    there = {name.lower() for name in connection.introspection.table_names(include_views=True)}
    missing = [m for m in models if m._meta.db_table.lower() not in there]
    if not missing:
        return ""
    tables = ", ".join(dict.fromkeys(model._meta.db_table for model in missing))
    undo = ", ".join(
        f"'manage.py migrate --fake {label} zero{_option(alias)}'"
        for label in dict.fromkeys(model._meta.app_label for model in missing)
    )
    return (
        f"Database {alias!r} ({describe(alias)}) lacks the tables {tables}, and has the migrations "
        f"that make them.  HINT: If DATABASE_ROUTERS kept them out, let them in; then run {undo} "
        f"and 'manage.py migrate --fake-initial{_option(alias)}'."
    )


def _loss_of_events(connection: BaseDatabaseWrapper, models: Sequence[type[Model]]) -> str:
    from django_eventsourcing.database_checks import faults_of
    from django_eventsourcing.models import AbstractStoredEvent

    event_models = [model for model in models if issubclass(model, AbstractStoredEvent)]
    return next((str(fault) for fault in faults_of(connection.alias, event_models)), "")


def _option(alias: str) -> str:
    return "" if alias == DEFAULT_DB_ALIAS else f" --database {alias}"


def _unreachable(connection: BaseDatabaseWrapper, error: Exception) -> str:
    lines = (" ".join(line.split()) for line in str(error).splitlines())
    reason = "; ".join(line for line in lines if line) or type(error).__name__
    alias = connection.alias
    reason = without_password(alias, reason)
    if connection.vendor == "sqlite":
        remedy = f"Correct the path in DATABASES[{alias!r}], or make its directory writable."
    else:
        remedy = f"Start it, or correct DATABASES[{alias!r}] in your settings."
    return f"Database {alias!r} ({describe(alias)}) cannot be reached: {reason}  HINT: {remedy}"
