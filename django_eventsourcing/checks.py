"""System checks: what is wrong with a project's settings, told before anything runs."""

from importlib.metadata import PackageNotFoundError, distribution
from inspect import getattr_static
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.models import Model
from django.utils.connection import ConnectionDoesNotExist

from django_eventsourcing.conf import find_problems
from django_eventsourcing.faultless import faultless_configs, faultless_systems
from django_eventsourcing.problems import ConfigurationError, Problem, class_path

if TYPE_CHECKING:
    from django_eventsourcing.registry import ConfiguredSystem

__all__ = [
    "check_applications",
    "check_databases",
    "check_installation",
    "check_listening",
    "check_projections",
    "check_read_models",
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
    for config in faultless_configs():
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
    for alias in dict.fromkeys(
        alias for system in faultless_systems() for alias in system.databases
    ):
        try:
            connection: Any = connections[alias]
        except _NOT_TO_BE_HAD:
            continue
        options = connection.settings_dict.get("OPTIONS") or {}
        if connection.vendor == "sqlite" and not connection.is_in_memory_db():
            messages += _check_sqlite(alias, options)
        elif connection.vendor == "mysql":
            messages += _check_mysql(alias, options)
        elif connection.vendor == "postgresql":
            messages += _check_postgresql(alias, options)
    return messages


@register(_TAG)
def check_listening(**_: Any) -> list[CheckMessage]:
    """Tell if LISTEN hears nothing in a database of logs, as far as settings can tell."""
    from django_eventsourcing.runners.listener import can_listen
    from django_eventsourcing.runners.wake_up import followed_databases

    problems: list[Problem] = []
    for system in faultless_systems():
        listen = system.config.options.listen
        for alias in followed_databases(system, system.system.followers) if listen else ():
            try:
                is_possible, signs = can_listen(alias), _signs_of_pooler(connections[alias])
            except _NOT_TO_BE_HAD:
                continue
            if not is_possible and listen is True:
                problems.append(_no_listening(system.alias, alias))
            elif is_possible and signs:
                problems.append(_pooler(alias, signs))
    return [_warning(problem) for problem in dict.fromkeys(problems)]


@register(_TAG)
def check_routers(**_: Any) -> list[CheckMessage]:
    """Tell if the database routers keep tables out of the database in which they are needed."""
    from django_eventsourcing.databases import is_allowed, models_in

    messages: list[CheckMessage] = []
    for system in faultless_systems():
        for alias in system.databases:
            try:
                kept_out = [m for m in models_in(system, alias) if not is_allowed(m, alias)]
            except _NOT_TO_BE_HAD:
                continue
            if kept_out:
                messages.append(_error(_kept_out(system, alias, kept_out)))
    return messages


@register(_TAG)
def check_read_models(**_: Any) -> list[CheckMessage]:
    """Tell if what a follower writes to models would not commit with its position."""
    from django_eventsourcing.projections import ModelProjection

    messages: list[CheckMessage] = []
    for system in faultless_systems():
        for name in system.system.followers:
            cls = system.class_of(name)
            if not system.is_persisted(name):
                if issubclass(cls, ModelProjection):
                    messages.append(_error(_in_memory(system, name)))
            elif found := _models_elsewhere(system, name):
                # A policy may leave such models alone; what a projection names is what it writes.
                if issubclass(cls, ModelProjection) and cls.models:
                    messages.append(_error(_projected_elsewhere(system, name, found)))
                else:
                    messages.append(_warning(_elsewhere(system, name, found)))
    return messages


@register(_TAG)
def check_projections(**_: Any) -> list[CheckMessage]:
    """Tell if a model projection leaves out what it needs, or has what nobody calls."""
    from django_eventsourcing.projections import ModelProjection

    unused = getattr_static(ModelProjection, "policy")
    problems: list[Problem] = []
    for system in faultless_systems():
        for cls in map(system.class_of, system.system.followers):
            if issubclass(cls, ModelProjection):
                if not cls.models:
                    problems.append(_no_models(cls))
                if getattr_static(cls, "policy") is not unused:
                    problems.append(_uncalled_policy(cls))
    return [_warning(problem) for problem in problems]


def _models_elsewhere(system: "ConfiguredSystem", name: str) -> list[type[Model]]:
    """Return the models that the follower says are its, or those of its app, kept elsewhere."""
    from django_eventsourcing.models import AbstractRecord, AbstractTracking

    cls = system.system.follower_cls(name)
    config = apps.get_containing_app_config(cls.__module__)
    models = getattr(cls, "models", None) or (config.get_models() if config else ())
    return [
        model
        for model in models
        if model._meta.managed
        and not issubclass(model, (AbstractRecord, AbstractTracking))
        and router.db_for_write(model) != system.database_of(name)
    ]


def _no_models(cls: type) -> Problem:
    return Problem(
        id="W008",
        message=f"{class_path(cls)} is a model projection that names no models: it can be neither "
        "rebuilt nor verified.",
        hint="Name those that it writes, and nobody else, in the class attribute 'models'; where "
        "it writes none of its own, silence this check.",
    )


def _uncalled_policy(cls: type) -> Problem:
    return Problem(
        id="W009",
        message=f"{class_path(cls)} has a policy(), and it is a model projection: events are given "
        "to process_event(), and policy() is never called.",
        hint="Register a method for each class of events by @process_event.register, or derive "
        "the class from ProcessApplication; a method that process_event() itself calls needs "
        "another name.",
    )


def _in_memory(system: "ConfiguredSystem", name: str) -> Problem:
    return Problem(
        id="E023",
        message=f"EVENTSOURCING[{system.alias!r}] keeps the position of {name} in memory, and it "
        "is a model projection: after a restart, every event would be projected once more.",
        hint=f"Let DATABASE name the database of its models, and remove PERSISTENCE_MODULE from "
        f"what applies to {name}.",
    )


def _projected_elsewhere(
    system: "ConfiguredSystem", name: str, models: list[type[Model]]
) -> Problem:
    alias = system.database_of(name)
    return Problem(
        id="E024",
        message=f"EVENTSOURCING[{system.alias!r}] keeps the position of {name} in the database "
        f"{alias!r}, and DATABASE_ROUTERS send what it projects elsewhere: {_targets(models)}. "
        "Rows and position would not commit together.",
        hint=f"Let db_for_write() of the routers return {alias!r} for them, or set DATABASE of "
        f"{name} in APPLICATIONS.",
    )


def _targets(models: list[type[Model]]) -> str:
    return ", ".join(f"{model._meta.label} to {router.db_for_write(model)!r}" for model in models)


def _elsewhere(system: "ConfiguredSystem", name: str, models: list[type[Model]]) -> Problem:
    alias = system.database_of(name)
    return Problem(
        id="W006",
        message=f"EVENTSOURCING[{system.alias!r}] keeps the position of {name} in the database "
        f"{alias!r}, and what its policy may write goes elsewhere: {_targets(models)}. Rows "
        "and position would not commit together.",
        hint=f"Let db_for_write() of DATABASE_ROUTERS return {alias!r} for them, or set DATABASE "
        f"of {name}; where the policy writes none of them, or by .using({alias!r}), silence this "
        "check.",
    )


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


def _signs_of_pooler(connection: Any) -> list[str]:
    """Return what is set for a database only where a pooler stands before it."""
    settings = connection.settings_dict
    options = settings.get("OPTIONS") or {}
    signs = {
        "PORT is 6432": str(settings.get("PORT")) == "6432",
        "DISABLE_SERVER_SIDE_CURSORS is on": bool(settings.get("DISABLE_SERVER_SIDE_CURSORS")),
        "prepare_threshold is None": options.get("prepare_threshold", 0) is None,
    }
    return [sign for sign, is_there in signs.items() if is_there]


def _no_listening(system_alias: str, alias: str) -> Problem:
    return Problem(
        id="W005",
        message=f"EVENTSOURCING[{system_alias!r}]['OPTIONS']['LISTEN'] is True, and the database "
        f"{alias!r} cannot be listened to: that takes PostgreSQL, and psycopg 3.",
        hint="Set it to 'auto', to listen where one can; followers find all events by polling.",
    )


def _pooler(alias: str, signs: list[str]) -> Problem:
    return Problem(
        id="W005",
        message=f"The database {alias!r} seems to be reached through a connection pooler "
        f"({', '.join(signs)}): LISTEN hears nothing through one that pools by transaction.",
        hint="Let run_system connect to the server itself, by settings of its own, or set LISTEN "
        "in the OPTIONS of the system to False; where it is heard, silence this check.",
    )


def _check_postgresql(alias: str, options: dict[str, Any]) -> list[CheckMessage]:
    from django.db.backends.postgresql.psycopg_any import IsolationLevel

    from django_eventsourcing.ordering.faults import FRESH_LEVELS, isolated

    if "isolation_level" not in options:
        return []
    try:
        level = IsolationLevel(options["isolation_level"]).name.replace("_", " ").lower()
    except ValueError:
        # Django tells of it when it connects.
        return []
    return [] if level in FRESH_LEVELS else [_error(isolated(alias, level))]


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
