"""System checks: what is wrong with a project's settings, told before anything runs."""

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import Error as DatabaseError
from django.db import connections

from django_eventsourcing.conf import SystemConfig, find_problems, get_aliases, get_config
from django_eventsourcing.problems import ConfigurationError, Problem

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent

__all__ = [
    "check_applications",
    "check_commit_order",
    "check_databases",
    "check_installation",
    "check_settings",
]

_TAG = "eventsourcing"


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
    owners: dict[str, str] = {}
    for config in _faultless_configs():
        try:
            system = load_system(config)
            load_runner_class(config)
        except ConfigurationError as error:
            problems += error.problems
            continue
        for name in system.nodes:
            if owners.setdefault(name, config.alias) != config.alias:
                problems.append(_same_name(name, owners[name], config.alias))
    return [_error(problem) for problem in problems]


@register(_TAG)
def check_databases(**_: Any) -> list[CheckMessage]:
    """Tell if a database that keeps events is set up in a way that hurts."""
    aliases = dict.fromkeys(alias for config in _faultless_configs() for alias in _aliases(config))
    messages: list[CheckMessage] = []
    for alias in aliases:
        database = settings.DATABASES[alias]
        engine = str(database.get("ENGINE", ""))
        options = database.get("OPTIONS", {})
        if engine.endswith("sqlite3") and not _is_in_memory(str(database.get("NAME", ""))):
            messages += _check_sqlite(alias, options)
        elif engine.endswith("mysql"):
            messages += _check_mysql(alias, options)
    return messages


@register(_TAG, Tags.database)
def check_commit_order(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Tell if an event table lacks what keeps inserts of any origin in commit order."""
    from django_eventsourcing.ordering import get_commit_order

    messages: list[CheckMessage] = []
    for alias, model in _event_models(databases or ()):
        connection = connections[alias]
        try:
            is_installed = get_commit_order(connection).is_installed(
                connection, model._meta.db_table
            )
        except DatabaseError:
            # A database that does not answer, or is of a kind that is not supported, is told of
            # by whatever uses it.
            continue
        if not is_installed:
            messages.append(_warning(_no_commit_order(alias, model)))
    return messages


def _event_models(databases: Sequence[str]) -> "list[tuple[str, type[AbstractStoredEvent]]]":
    """Return the event models of the configured applications in these databases, each once."""
    from django_eventsourcing.registry import ConfiguredSystem

    found: dict[tuple[str, type[AbstractStoredEvent]], None] = {}
    for config in _faultless_configs():
        try:
            system = ConfiguredSystem(config)
            for name in system.names:
                alias = system.database_of(name)
                if system.is_persisted(name) and alias in databases:
                    found[alias, system.models_of(name).event] = None
        except ConfigurationError:
            continue
    return list(found)


def _no_commit_order(alias: str, model: "type[AbstractStoredEvent]") -> Problem:
    opts = model._meta
    return Problem(
        id="W002",
        message=f"The table of {opts.label} in the database {alias!r} has no trigger that keeps "
        "events in commit order: followers may skip events that are not inserted by Django's ORM.",
        hint=f"Add AddCommitOrder({opts.object_name!r}), of django_eventsourcing.operations, to a "
        f"migration of {opts.app_label!r}, and migrate the database.",
    )


def _check_sqlite(alias: str, options: dict[str, Any]) -> list[CheckMessage]:
    mode = str(options.get("transaction_mode") or "DEFERRED").upper()
    timeout = options.get("timeout", 5)
    if mode in ("IMMEDIATE", "EXCLUSIVE") and timeout >= 20:
        return []
    return [
        _warning(
            Problem(
                id="W001",
                message=f"The SQLite database {alias!r} keeps events, with transaction_mode "
                f"{mode} and a timeout of {timeout} s: under load, saves fail with 'database is "
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


def _aliases(config: SystemConfig) -> list[str]:
    from django_eventsourcing.environments import system_env, uses_django
    from django_eventsourcing.loading import load_system

    try:
        system = load_system(config)
    except ConfigurationError:
        return []
    env = system_env(config, system)
    return [config.database_of(name) for name in system.nodes if uses_django(env, name)]


def _same_name(name: str, first: str, second: str) -> Problem:
    return Problem(
        id="E005",
        message=f"EVENTSOURCING[{first!r}] and EVENTSOURCING[{second!r}] both have an application "
        f"named {name!r}.",
        hint="Keep it in one of the systems, or set the class attribute 'name' of one of them: "
        "events are kept by that name.",
    )


def _is_in_memory(name: str) -> bool:
    return name == ":memory:" or "mode=memory" in name


def _error(problem: Problem) -> CheckMessage:
    return checks.Error(problem.message, hint=problem.hint, id=problem.check_id)


def _warning(problem: Problem) -> CheckMessage:
    return checks.Warning(
        problem.message, hint=problem.hint, id=f"django_eventsourcing.{problem.id}"
    )
