"""Model fields: text that equals nothing but itself, and times that never go back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.timezone import get_default_timezone, make_aware, make_naive

__all__ = ["ExactCharField", "UTCDateTimeField"]


if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
    _DateTimeField = models.DateTimeField[Any, Any]
else:
    _CharField = models.CharField
    _DateTimeField = models.DateTimeField


class ExactCharField(_CharField):
    """
    A ``CharField`` whose values are compared exactly; for ids that are text, for example.

    MySQL and MariaDB compare text without regard to case and trailing spaces by default, so that
    two applications whose names differ in nothing else would share their events.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Return the column's type with the collation that compares exactly."""
        parameters: dict[str, Any] = dict(super().db_parameters(connection))
        if connection.vendor == "mysql":
            is_mariadb = getattr(connection, "mysql_is_mariadb", False)
            parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        return parameters


class UTCDateTimeField(_DateTimeField):
    """
    A ``DateTimeField`` that is kept in UTC, so that times are in order when local clocks go back.

    Where ``USE_TZ`` is off, or a database other than PostgreSQL has a ``TIME_ZONE``, Django keeps
    local time, and reads it; this reads the same. To migrations, it is a ``DateTimeField``.
    """

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Return what migrations know of the field."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs

    def from_db_value(
        self, value: datetime | None, expression: object, connection: BaseDatabaseWrapper
    ) -> datetime | None:
        """Return the time as Django has times in Python."""
        if value is None or not _keeps_local_time(connection):
            return value
        value = value.replace(tzinfo=UTC)
        return value if settings.USE_TZ else make_naive(value, get_default_timezone())

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        """Return the time as the database keeps it."""
        if not prepared:
            value = self.get_prep_value(value)
        if isinstance(value, datetime) and _keeps_local_time(connection):
            value = _in_utc(value).replace(tzinfo=connection.timezone)
        return super().get_db_prep_value(value, connection, prepared=True)


def _keeps_local_time(connection: BaseDatabaseWrapper) -> bool:
    return not connection.features.supports_timezones and connection.timezone is not UTC


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        value = make_aware(value, get_default_timezone())
    return value.astimezone(UTC)
