"""System checks: what is wrong with a project's settings, told before anything runs."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.core.checks import CheckMessage, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.models import Model
from django.utils.connection import ConnectionDoesNotExist

from django_eventsourcing.conf import SystemConfig, find_problems, get_aliases, get_config
from django_eventsourcing.problems import ConfigurationError, Problem

if TYPE_CHECKING:
    from django_eventsourcing.registry import ConfiguredSystem

__all__ = [
    "check_applications",
    "check_databases",
    "check_installation",
    "check_routers",
    "check_settings",
]

_TAG = "eventsourcing"
# A database whose engine or driver is missing, or that was added to the settings after the first
# connection was made; a model that the process environment names, and that is none. Whatever
# uses it tells of it.
_NOT_TO_BE_HAD = (ImproperlyConfigured, ConnectionDoesNotExist)


@register(_TAG)
def check_installation(**_: Any) -> list[CheckMessage]:
    """Tell if another distribution has put its own package ``eventsourcing`` over ours."""
    try:
        version = distribution("eventsourcing").version
    except PackageNotFoundError:
        return []
    return [
        _error(
            Problem(
                id="E010",
                message=f"The distribution eventsourcing {version} is installed in this "
                "environment, too: it and django-eventsourcing cannot share one, because both "
                "provide the package 'eventsourcing'.",
                hint="Run 'pip uninstall eventsourcing', then 'pip install --force-reinstall "
                "--no-deps django-eventsourcing', because uninstalling removes files that the two "
                "have in common.",
            )
        )
    ]


@register(_TAG)
def check_settings(**_: Any) -> list[CheckMessage]:
    """Tell what is wrong with the setting itself."""
    return [_error(problem) for problem in find_problems()]


@register(_TAG)
def check_applications(**_: Any) -> list[CheckMessage]:
    """Tell if something that the setting names cannot be imported, or does not fit together."""
    from django_eventsourcing.loading import load_runner_class, load_system

    problems: list[Problem] = []
    owners: dict[str, tuple[str, str]] = {}
    for config in _faultless_configs():
        try:
            system = load_system(config)
            load_runner_class(config)
        except ConfigurationError as error:
            problems += error.problems
            continue
        for name in system.nodes:
            alias, other = owners.setdefault(name.upper(), (config.alias, name))
            if alias != config.alias:
                problems.append(_same_name(alias, other, config.alias, name))
    return [_error(problem) for problem in problems]


@register(_TAG)
def check_databases(**_: Any) -> list[CheckMessage]:
    """Tell if a database that keeps events is set up in a way that hurts."""
    messages: list[CheckMessage] = []
    for alias in dict.fromkeys(alias for system in _systems() for alias in system.databases):
        try:
            connection: Any = connections[alias]
        except _NOT_TO_BE_HAD:
            continue
        options = connection.settings_dict.get("OPTIONS") or {}
        if connection.vendor == "sqlite" and not connection.is_in_memory_db():
            messages += _check_sqlite(alias, options)
        elif connection.vendor == "mysql":
            messages += _check_mysql(alias, options)
    return messages


@register(_TAG)
def check_routers(**_: Any) -> list[CheckMessage]:
    """Tell if the database routers keep tables out of the database in which they are needed."""
    from django_eventsourcing.databases import is_allowed, models_in

    messages: list[CheckMessage] = []
    for system in _systems():
        for alias in system.databases:
            try:
                kept_out = [m for m in models_in(system, alias) if not is_allowed(m, alias)]
            except _NOT_TO_BE_HAD:
                continue
            if kept_out:
                messages.append(_error(_kept_out(system, alias, kept_out)))
    return messages


def _kept_out(system: "ConfiguredSystem", alias: str, models: list[type[Model]]) -> Problem:
    return Problem(
        id="E017",
        message=f"EVENTSOURCING[{system.alias!r}] keeps {', '.join(system.names_in(alias))} in the "
        f"database {alias!r}, and DATABASE_ROUTERS keep these tables out of it: "
        f"{', '.join(model._meta.label for model in models)}.",
        hint="Let allow_migrate() of the routers return True or None for them there, then migrate "
        "the database.",
    )


def _check_sqlite(alias: str, options: dict[str, Any]) -> list[CheckMessage]:
    mode = str(options.get("transaction_mode") or "DEFERRED").upper()
    timeout = options.get("timeout", 5)
    is_long = isinstance(timeout, (int, float)) and timeout >= 20
    if mode in ("IMMEDIATE", "EXCLUSIVE") and is_long:
        return []
    return [
        _warning(
            Problem(
                id="W001",
                message=f"The SQLite database {alias!r} keeps events, with transaction_mode "
                f"{mode} and a timeout of {timeout!r} s: under load, saves fail with 'database is "
                "locked'.",
                hint=f"Set DATABASES[{alias!r}]['OPTIONS'] to {{'transaction_mode': 'IMMEDIATE', "
                "'timeout': 20, 'init_command': 'PRAGMA journal_mode=WAL'}.",
            )
        )
    ]


def _check_mysql(alias: str, options: dict[str, Any]) -> list[CheckMessage]:
    level = options.get("isolation_level", "read committed")
    if str(level).lower() == "read committed":
        return []
    shown = repr(level) if level else "that of the server"
    return [
        _error(
            Problem(
                id="E011",
                message=f"The MySQL database {alias!r} keeps events, and its isolation level is "
                f"{shown}: followers could read the log as it was before.",
                hint=f"Set DATABASES[{alias!r}]['OPTIONS']['isolation_level'] to 'read "
                "committed', or remove it: that is Django's default.",
            )
        )
    ]


def _faultless_configs() -> Iterator[SystemConfig]:
    try:
        aliases = get_aliases()
    except ConfigurationError:
        return
    for alias in aliases:
        try:
            yield get_config(alias)
        except ConfigurationError:
            continue


def _systems() -> "Iterator[ConfiguredSystem]":
    """Return the systems that can be loaded; the other checks tell of the rest."""
    from django_eventsourcing.registry import ConfiguredSystem

    for config in _faultless_configs():
        try:
            yield ConfiguredSystem(config)
        except ConfigurationError:
            continue


def _same_name(first: str, name: str, second: str, other: str) -> Problem:
    if name == other:
        has = f"both have an application named {name!r}"
        kept = "events are kept by that name"
    else:
        has = f"have applications whose names differ by case alone: {name!r} and {other!r}"
        kept = "the keys of an environment begin with the name in capitals"
    return Problem(
        id="E005",
        message=f"EVENTSOURCING[{first!r}] and EVENTSOURCING[{second!r}] {has}.",
        hint="Keep it in one of the systems, or set the class attribute 'name' of one of them: "
        f"{kept}.",
    )


def _error(problem: Problem) -> CheckMessage:
    return checks.Error(problem.message, hint=problem.hint, id=problem.check_id)


def _warning(problem: Problem) -> CheckMessage:
    return checks.Warning(
        problem.message, hint=problem.hint, id=f"django_eventsourcing.{problem.id}"
    )
