"""Database checks: whether the tables of events, and their databases, keep what followers need."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import Error as DatabaseError
from django.db import connections
from django.db.models import Model

from django_eventsourcing.conf import get_aliases, get_config
from django_eventsourcing.ordering import get_commit_order
from django_eventsourcing.problems import ConfigurationError, Problem

if TYPE_CHECKING:
    from django_eventsourcing.application_models import ApplicationModels
    from django_eventsourcing.models import AbstractStoredEvent

__all__ = ["check_autocommit", "check_commit_order", "check_models", "faults_of"]

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
    return [
        problem
        for model in dict.fromkeys(models)
        for problem in order.faults(connection, model)
        if _is_error(problem)
    ]


@register(_TAG, Tags.database)
def check_commit_order(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Tell what keeps the ids of an event table from being in the order of their commits."""
    messages: list[CheckMessage] = []
    found = ((alias, models.event) for alias, models in _persisted() if alias in (databases or ()))
    for alias, model in dict.fromkeys(found):
        connection = connections[alias]
        try:
            faults = get_commit_order(connection).faults(connection, model)
        except DatabaseError:
            # A database that does not answer, or is of a kind that is not supported, is told of
            # by whatever uses it.
            continue
        messages += map(_message, faults)
    return messages


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
    from django_eventsourcing.registry import ConfiguredSystem

    try:
        aliases = get_aliases()
    except ConfigurationError:
        return
    for alias in aliases:
        # What is wrong with the settings is told by the checks of settings.
        try:
            system = ConfiguredSystem(get_config(alias))
            names = [name for name in system.names if system.is_persisted(name)]
            found = [(system.database_of(name), system.models_of(name)) for name in names]
        except ConfigurationError:
            continue
        yield from found


def _has_log_index(model: type[Model]) -> bool:
    opts = (model._meta.concrete_model or model)._meta
    return any(
        [name for name, _ in index.fields_orders[:2]] == ["application_name", "id"]
        and index.condition is None
        for index in opts.indexes
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
