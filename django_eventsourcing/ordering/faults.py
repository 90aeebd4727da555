"""Faults: what makes readers of an event table pass events by, and the remedy of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.backends.base.base import BaseDatabaseWrapper

from django_eventsourcing.problems import Problem

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent

__all__ = [
    "FRESH_LEVELS",
    "behind",
    "cached",
    "cluster",
    "exclusive_trigger",
    "isolated",
    "no_trigger",
    "replica",
    "sequence_of",
]

FRESH_LEVELS = ("read committed", "read uncommitted")
"""The isolation levels of PostgreSQL at which a statement sees what was committed before it."""


def sequence_of(
    connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent], sequence: str
) -> str:
    """Return words for the sequence that the ids of a model's table are drawn from."""
    return f"The sequence {sequence} of {_described(connection, model)}"


def _described(connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]) -> str:
    return f"{model._meta.label} in the database {connection.alias!r}"


def replica(connection: BaseDatabaseWrapper) -> Problem:
    """Tell of a server on which nobody can see who holds a lock."""
    return Problem(
        id="E020",
        message=f"The database {connection.alias!r} is a replica: it does not show which "
        "transactions are still to commit, so followers would skip their events.",
        hint=f"Let DATABASES[{connection.alias!r}] name the primary server.",
    )


def isolated(alias: str, level: str) -> Problem:
    """Tell of an isolation level of PostgreSQL at which readers do not see new commits."""
    return Problem(
        id="E011",
        message=f"The PostgreSQL database {alias!r} keeps events, and its isolation level is "
        f"{level!r}: followers could read the log as it was before.",
        hint=f"Remove 'isolation_level' from DATABASES[{alias!r}]['OPTIONS'], and "
        "default_transaction_isolation from the settings of server, database and role.",
    )


def exclusive_trigger(connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]) -> Problem:
    """Tell of a trigger that was made when writers did not share the lock."""
    opts = model._meta
    return Problem(
        id="E014",
        message=f"The table of {_described(connection, model)} has a trigger that takes "
        "exclusively the lock that writers share: any two of them end in a deadlock.",
        hint=f"Add AddCommitOrder({opts.object_name!r}), of django_eventsourcing.operations, to a "
        f"new migration of {opts.app_label!r}, which replaces the trigger, and migrate the "
        "database.",
    )


def no_trigger(connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]) -> Problem:
    """Tell of a table whose inserts from elsewhere take no lock."""
    opts = model._meta
    return Problem(
        id="W002",
        message=f"The table of {_described(connection, model)} has no trigger that keeps "
        "events in commit order: followers may skip events that are not inserted by Django's ORM.",
        hint=f"Add AddCommitOrder({opts.object_name!r}), of django_eventsourcing.operations, to a "
        f"migration of {opts.app_label!r}, and migrate the database.",
    )


def cached(of: str, sequence: str, cache_size: int) -> Problem:
    """Tell of a sequence that gives each connection several ids at once."""
    return Problem(
        id="E014",
        message=f"{of} has CACHE {cache_size}: connections draw ids ahead of their turn, and "
        "followers skip events for ever.",
        hint=f"Run 'ALTER SEQUENCE {sequence} CACHE 1', then restart whatever records events: open "
        "connections keep the ids that they have drawn.",
    )


def behind(of: str, sequence: str, last: int, highest: int) -> Problem:
    """Tell of a sequence that will give ids below those that are there."""
    return Problem(
        id="E014",
        message=f"{of} is at {last}, and there is an event with the id {highest}: followers skip "
        "the events that get lower ids from now on.",
        hint=f"Run \"SELECT setval('{sequence}', {highest})\" while nothing records events.",
    )


def cluster(connection: BaseDatabaseWrapper) -> Problem:
    """Tell of a server that has others beside it, which do not wait for its locks."""
    return Problem(
        id="W007",
        message=f"The database {connection.alias!r} is a node of a Galera cluster: if events are "
        "recorded through more than one of its nodes, followers may skip some.",
        hint="Record and follow events through the same node, for example by a proxy that sends "
        "all writes to one.",
    )
