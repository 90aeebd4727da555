"""Timestamps: when events happen."""

import functools
import os
import warnings
from datetime import UTC, datetime, tzinfo

from eventsourcing.domain.errors import ProgrammingError
from eventsourcing.topics import resolve_topic

__all__ = ["CanCreateTimestamp", "create_utc_datetime_now", "datetime_now_with_tzinfo"]


class CanCreateTimestamp:
    """Lets a class of events say what time it is."""

    @staticmethod
    def create_timestamp() -> datetime:
        """Return the current time, with time zone."""
        return datetime.now(process_tzinfo())


def datetime_now_with_tzinfo() -> datetime:
    """
    Return the current time in UTC, or in the zone that ``TZINFO_TOPIC`` names.

    That is read from the process environment when the first time is taken.
    """
    return datetime.now(process_tzinfo())


def create_utc_datetime_now() -> datetime:
    """Return the current time; an old name of ``datetime_now_with_tzinfo()``."""
    warnings.warn(
        "create_utc_datetime_now() is deprecated. Use datetime_now_with_tzinfo().",
        DeprecationWarning,
        stacklevel=2,
    )
    return datetime_now_with_tzinfo()


@functools.cache
def process_tzinfo() -> tzinfo:
    """Return the zone in which the process takes times."""
    topic = os.environ.get("TZINFO_TOPIC")
    if not topic:
        return UTC
    zone = resolve_topic(topic)
    if not isinstance(zone, tzinfo):
        raise ProgrammingError(
            f"TZINFO_TOPIC is '{topic}', which is {zone!r} and not a time zone. "
            f"Give the topic of a tzinfo object, for example 'datetime:timezone.utc'."
        )
    return zone
