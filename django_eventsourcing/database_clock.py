"""The database's clock: one time for all hosts, whatever their own clocks say."""

from datetime import datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func
from django.utils.timezone import get_default_timezone, is_naive, make_aware

from django_eventsourcing.fields import UTCDateTimeField

__all__ = ["DatabaseNow", "seconds_between"]


class DatabaseNow(Func):
    """
    The time at which the database began the statement, for columns of ``UTCDateTimeField``.

    In the database it is UTC, whatever Django keeps other times in. SQLite tells it in
    milliseconds, the others in microseconds.
    """

    # Django's own Now() is, on MySQL, the local time of the server.
    arity = 0
    output_field = UTCDateTimeField()

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="STATEMENT_TIMESTAMP()", **context)

    def as_mysql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)

    def as_sqlite(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        # Six digits, as Django writes them: these texts are compared with one another.
        template = "STRFTIME('%%%%Y-%%%%m-%%%%d %%%%H:%%%%M:%%%%f000', 'now')"
        return self.as_sql(compiler, connection, template=template, **context)


def seconds_between(earlier: datetime, later: datetime) -> float:
    """Return how many seconds have passed, also where times are local and clocks go back."""
    return _aware(later).timestamp() - _aware(earlier).timestamp()


def _aware(at: datetime) -> datetime:
    # Of an hour that comes twice, ``fold`` tells which one it is.
    return make_aware(at, get_default_timezone()) if is_naive(at) else at
