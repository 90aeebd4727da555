"""Clearing: the rows of a projection are removed within the caller's transaction."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from django.db import NotSupportedError, OperationalError, connections, transaction
from django.db.models import Model

from django_eventsourcing.at_once import Counted, read_at_once
from django_eventsourcing.rebuilding.references import tables_of

__all__ = ["COUNT_LIMIT", "clear", "count_rows"]

COUNT_LIMIT = 10_000
"""Rows are counted up to here; beyond, it is enough to know that there are more."""
# How long PostgreSQL waits for readers, before the rows are deleted one by one beside them.
_LOCK_TIMEOUT = "3s"


def clear(models: Iterable[type[Model]], alias: str) -> None:
    """
    Remove all rows of the models; called in a transaction, so that it may be rolled back.

    Large tables of PostgreSQL are truncated, if no other table refers to them and readers leave
    them soon; elsewhere that could not be rolled back.
    """
    tables = tables_of(models)
    is_large = any(number > COUNT_LIMIT for number in count_rows(tables, alias).values())
    if is_large and connections[alias].vendor == "postgresql" and _truncate(tables, alias):
        return
    with _without_order(tables, alias), connections[alias].cursor() as cursor:
        for model in tables:
            cursor.execute(f"DELETE FROM {_quoted(model, alias)}")  # noqa: S608 - a table's name


def count_rows(models: Iterable[type[Model]], alias: str) -> dict[type[Model], int]:
    """Return how many rows each model has, counted to one more than ``COUNT_LIMIT``, at once."""
    counts = {
        model: Counted(model._base_manager.using(alias).all(), COUNT_LIMIT + 1) for model in models
    }
    return {model: number or 0 for model, number in read_at_once(alias, counts).items()}


def _truncate(tables: list[type[Model]], alias: str) -> bool:
    names = ", ".join(_quoted(model, alias) for model in tables)
    try:
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            cursor.execute(f"TRUNCATE {names}")
            cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    except (OperationalError, NotSupportedError):
        # Readers are at it for longer, or another table refers to it, be it empty.
        return False
    return True


def _without_order(tables: list[type[Model]], alias: str) -> AbstractContextManager[object]:
    """Let rows be deleted that refer to others of their own table, which InnoDB would refuse."""
    connection = connections[alias]
    refers = any(
        getattr(field.remote_field, "model", None) is model
        for model in tables
        for field in model._meta.local_concrete_fields
    )
    if connection.vendor == "mysql" and refers:
        return connection.constraint_checks_disabled()
    return nullcontext()


def _quoted(model: type[Model], alias: str) -> str:
    return str(connections[alias].ops.quote_name(model._meta.db_table))
