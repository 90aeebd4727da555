"""Database checks: whether the tables of events, and their databases, keep what followers need."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import Error as DatabaseError
from django.db import connections
from django.db.models import Model

from django_eventsourcing.conf import SystemConfig
from django_eventsourcing.correlations import index_faults
from django_eventsourcing.faultless import faultless_configs, faultless_systems
from django_eventsourcing.ordering import get_commit_order
from django_eventsourcing.problems import ConfigurationError, Problem

if TYPE_CHECKING:
    from django_eventsourcing.application_models import ApplicationModels
    from django_eventsourcing.models import AbstractStoredEvent

__all__ = [
    "check_autocommit",
    "check_commit_order",
    "check_models",
    "check_sharing",
    "faults_of",
]

_TAG = "eventsourcing"
_LONGEST_NAME = 63

# The core, and models, are imported where they are used: the system checks that tell of a damaged
# installation must run without the one, and this module is imported before the others are.


def faults_of(alias: str, models: "Iterable[type[AbstractStoredEvent]]") -> list[Problem]:
    """
    Return what makes followers skip events of these models in the database, whatever records them.

    It is what ``manage.py check`` calls errors; ask before a system is run.
    """
    connection = connections[alias]
    order = get_commit_order(connection)
    found = [
        problem
        for model in dict.fromkeys(models)
        for problem in order.faults(connection, model)
        if _is_error(problem)
    ]
    # What is wrong with the server is wrong for each of the tables.
    return list(dict.fromkeys(found))


@register(_TAG, Tags.database)
def check_commit_order(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Tell what an event table lacks: ids in the order of their commits, and an index of traces."""
    problems: list[Problem] = []
    found = ((alias, models.event) for alias, models in _persisted() if alias in (databases or ()))
    for alias, model in dict.fromkeys(found):
        connection = connections[alias]
        try:
            faults = get_commit_order(connection).faults(connection, model)
            faults += index_faults(connection, model)
        except DatabaseError:
            # A database that does not answer, or is of a kind that is not supported, is told of
            # by whatever uses it.
            continue
        problems += faults
    return [_message(problem) for problem in dict.fromkeys(problems)]


@register(_TAG)
def check_sharing(**_: Any) -> list[CheckMessage]:
    """Tell if systems that share a table of events do not agree on the order of its writers."""
    from django_eventsourcing.ordering.exclusive import tables_of

    first: dict[tuple[str, str], SystemConfig] = {}
    problems: list[Problem] = []
    for config in faultless_configs():
        try:
            tables = dict.fromkeys(tables_of(config))
        except ConfigurationError:
            continue
        for alias, table in tables:
            other = first.setdefault((alias, table), config)
            if other.commit_order != config.commit_order:
                problems.append(_disagreement(other, config, alias, table))
    return [_message(problem) for problem in problems]


@register(_TAG)
def check_autocommit(**_: Any) -> list[CheckMessage]:
    """Tell if nothing commits what is recorded in a database that keeps events."""
    aliases = dict.fromkeys(alias for alias, _ in _persisted())
    return [
        _message(_no_autocommit(alias))
        for alias in aliases
        if not settings.DATABASES[alias].get("AUTOCOMMIT", True)
    ]


@register(_TAG)
def check_models(**_: Any) -> list[CheckMessage]:
    """Tell what is missing from models of a project's own, or will not fit into a database."""
    from django_eventsourcing.models import AbstractStoredEvent

    found: dict[type[Model], None] = {}
    for _alias, models in _persisted():
        found |= dict.fromkeys((models.event, models.snapshot, models.tracking))
    problems: list[Problem] = []
    for model in found:
        if issubclass(model, AbstractStoredEvent) and not _has_log_index(model):
            problems.append(_no_log_index(model))
        problems += [
            _long_name(model, constraint.name)
            for constraint in model._meta.constraints
            if len(constraint.name.encode()) > _LONGEST_NAME
        ]
    return [_message(problem) for problem in problems]


def _persisted() -> "Iterator[tuple[str, ApplicationModels]]":
    """Return database and models of each configured application that keeps events in Django's."""
    for system in faultless_systems():
        names = [name for name in system.names if system.is_persisted(name)]
        with suppress(ConfigurationError):
            yield from [(system.database_of(name), system.models_of(name)) for name in names]


def _has_log_index(model: type[Model]) -> bool:
    opts = (model._meta.concrete_model or model)._meta
    return any(
        [name for name, _ in index.fields_orders[:2]] == ["application_name", "id"]
        and index.condition is None
        for index in opts.indexes
    )


def _disagreement(one: SystemConfig, other: SystemConfig, alias: str, table: str) -> Problem:
    return Problem(
        id="E019",
        message=f"EVENTSOURCING[{one.alias!r}] and EVENTSOURCING[{other.alias!r}] keep events in "
        f"the table {table!r} of the database {alias!r}, and their COMMIT_ORDER is "
        f"{one.commit_order!r} and {other.commit_order!r}.",
        hint="Set the same for both, or give one of them a table or a database of its own.",
    )


def _no_autocommit(alias: str) -> Problem:
    return Problem(
        id="E016",
        message=f"The database {alias!r} keeps events, and DATABASES[{alias!r}]['AUTOCOMMIT'] is "
        "off: nothing commits what followers process, and nobody is told of new events.",
        hint="Remove AUTOCOMMIT there, and use transaction.atomic() for transactions.",
    )


def _no_log_index(model: type[Model]) -> Problem:
    return Problem(
        id="W003",
        message=f"{model._meta.label} has no index over application_name and id: followers read "
        "their notifications the slower the more events there are.",
        hint="Let its Meta extend AbstractStoredEvent.Meta, then make its migration and run it.",
    )


def _long_name(model: type[Model], name: str) -> Problem:
    return Problem(
        id="W004",
        message=f"The constraint {name!r} of {model._meta.label} has a name of "
        f"{len(name.encode())} bytes: PostgreSQL cuts it to {_LONGEST_NAME}, and MySQL and MariaDB "
        "refuse it if it has more than 64 characters.",
        hint="Give the model a shorter name, or its Meta a constraint over the same fields with a "
        "shorter one.",
    )


def _is_error(problem: Problem) -> bool:
    return problem.id.startswith("E")


def _message(problem: Problem) -> CheckMessage:
    kind = checks.Error if _is_error(problem) else checks.Warning
    return kind(problem.message, hint=problem.hint, id=problem.check_id)
