"""Errors of ``django.db``, told as errors of ``eventsourcing.persistence``."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Self

from django import db
from django.db.models import Model
from django.db.models.constraints import UniqueConstraint

from django_eventsourcing.problems import one_line
from eventsourcing.persistence import errors

__all__ = [
    "RecordedBesideError",
    "SegmentsNotInForceError",
    "SynchronousFollowerError",
    "UncommittedUpstreamError",
    "breaks_constraint",
    "database_errors",
    "own_database_errors",
    "translated",
]

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


class SegmentsNotInForceError(errors.PersistenceError):
    """A follower's positions are for another number of segments than it is set to."""

    @classmethod
    def of(cls, follower: str, upstream_name: str, count: int, in_force: int) -> Self:
        """Return the error of a follower that is set to ``count`` segments."""
        if not in_force and count == 1:
            return cls(
                f"{follower} has no position in {upstream_name} that is in force: its tables are "
                "being swapped.  HINT: If nobody is at it any more, complete it by 'manage.py "
                f"es_rebuild {follower} --shadow'."
            )
        if not in_force:
            return cls(
                f"{follower} is set to {count} segments, each of which is processed by itself.  "
                "HINT: Let 'manage.py run_system' process it, or ask the system for "
                f"'{follower}[1/{count}]'."
            )
        return cls(
            f"{follower} is set to {_segments(count)}, and its positions in {upstream_name} are "
            f"for {in_force}.  HINT: If {count} is the new number, run 'manage.py es_segments "
            f"{follower}'; processes with the old number may run meanwhile, and are to be stopped "
            "afterwards. If it is the old one, start this process again with the new settings."
        )


class SynchronousFollowerError(SegmentsNotInForceError):
    """A follower is to be processed apart from the transactions in which it processes itself."""

    @classmethod
    def by(cls, follower: str, upstream_name: str) -> Self:
        """Return the error of the follower."""
        return cls(
            f"{follower} is synchronous: it processes what {upstream_name} records in the "
            "transaction that records it.  HINT: To let 'manage.py run_system' process it, or to "
            f"rebuild, verify or split it, run 'manage.py es_sync {follower} --off' first."
        )


class RecordedBesideError(SegmentsNotInForceError):
    """A follower is to record events while it processes beside what is in force."""

    @classmethod
    def by(cls, follower: str) -> Self:
        """Return the error of the follower."""
        return cls(
            f"{follower} records an event of its own, while its rows are made beside those in "
            "use: the event would be there twice.  HINT: Let a ModelProjection beside it write the "
            "models, which can be rebuilt"
        )


class UncommittedUpstreamError(errors.PersistenceError):
    """A follower is to process, within a transaction of its upstream's, and commits apart."""

    @classmethod
    def of(cls, follower: str, alias: str | None, upstream_name: str, upstream_alias: str) -> Self:
        """Return the error of a follower in the database ``alias``, or in none of Django's."""
        where = "in no database of Django's" if alias is None else f"in database {alias!r}"
        return cls(
            f"{follower}, which is {where}, cannot process {upstream_name} within an open "
            f"transaction on {upstream_alias!r}: events that are rolled back would stay processed."
            f"  HINT: Let it process after the commit, by transaction.on_commit(…, "
            f"using={upstream_alias!r}), or leave it to a runner, such as 'manage.py run_system'."
        )


@contextmanager
def database_errors(alias: str) -> Iterator[None]:
    """Translate the errors that the database raises within."""
    try:
        yield
    except db.Error as error:
        raise translated(error, alias) from error


@contextmanager
def own_database_errors(alias: str) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """
    Raise errors of ``django.db`` as those of ``eventsourcing.persistence``, but for guests' ones.

    Yield a function that returns a context for the code of others: what that raises goes on as it
    is.
    """
    raised_by_guests: list[BaseException] = []

    @contextmanager
    def guests() -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            raised_by_guests.append(error)
            raise

    try:
        yield guests
    except db.Error as error:
        if error in raised_by_guests:
            raise
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


def _segments(count: int) -> str:
    return "1 segment" if count == 1 else f"{count} segments"


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
