"""Errors of ``django.db``, told as errors of ``eventsourcing.persistence``."""

from collections.abc import Iterator
from contextlib import contextmanager

from django import db
from django.db.models import Model
from django.db.models.constraints import UniqueConstraint

from django_eventsourcing.problems import one_line
from eventsourcing.persistence import errors

__all__ = ["breaks_constraint", "database_errors", "translated"]

_ERRORS: dict[type[BaseException], type[errors.PersistenceError]] = {
    db.Error: errors.PersistenceError,
    db.InterfaceError: errors.InterfaceError,
    db.DatabaseError: errors.DatabaseError,
    db.DataError: errors.DataError,
    db.OperationalError: errors.OperationalError,
    db.IntegrityError: errors.IntegrityError,
    db.InternalError: errors.InternalError,
    db.ProgrammingError: errors.ProgrammingError,
    db.NotSupportedError: errors.NotSupportedError,
}
# A table or a column is missing, as the databases say it.
_SQLSTATES = {"42P01", "42703"}
_MYSQL_CODES = {1146, 1054}
_SQLITE_TEXTS = ("no such table", "no such column", "has no column named")


@contextmanager
def database_errors(alias: str) -> Iterator[None]:
    """Translate the errors that the database raises within."""
    try:
        yield
    except db.Error as error:
        raise translated(error, alias) from error


def translated(error: db.Error, alias: str) -> errors.PersistenceError:
    """Return the error of ``eventsourcing.persistence`` that says the same, on one line."""
    text = one_line(error)
    if _is_missing_schema(error):
        return errors.ProgrammingError(
            f"Database {alias!r} lacks a table or a column: {text}. "
            f"Run `manage.py migrate --database {alias}`."
        )
    kind = next(_ERRORS[cls] for cls in type(error).__mro__ if cls in _ERRORS)
    return kind(f"Database {alias!r}: {text}")


def breaks_constraint(error: db.Error, model: type[Model], constraint_fields: set[str]) -> bool:
    """Tell whether the error says that the model's constraint over these fields is broken."""
    if not isinstance(error, db.IntegrityError):
        return False
    # A proxy has the constraints of the model behind it.
    opts = (model._meta.concrete_model or model)._meta
    names = [
        constraint.name
        for constraint in opts.constraints
        if isinstance(constraint, UniqueConstraint) and set(constraint.fields) == constraint_fields
    ]
    broken = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    if broken is not None:
        # PostgreSQL's drivers tell the name, which PostgreSQL has cut to 63 bytes.
        return broken in {name.encode()[:63].decode(errors="ignore") for name in names}
    text = str(error)
    columns = [field.column for field in opts.concrete_fields if field.name in constraint_fields]
    # SQLite names the columns; MySQL and MariaDB name the constraint.
    return all(f"{opts.db_table}.{column}" in text for column in columns) or any(
        name in text for name in names
    )


def _is_missing_schema(error: db.Error) -> bool:
    cause = error.__cause__
    return (
        getattr(cause, "sqlstate", None) in _SQLSTATES
        or (bool(error.args) and error.args[0] in _MYSQL_CODES)
        or any(words in str(error) for words in _SQLITE_TEXTS)
    )
