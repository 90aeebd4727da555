"""Times, as people read them: in UTC, to the second."""

from datetime import UTC, datetime

from django.utils import timezone

__all__ = ["utc_text"]


def utc_text(at: datetime) -> str:
    """Return the time in UTC: ``2026-01-02 12:00:00``."""
    if timezone.is_naive(at):
        # Without USE_TZ, Django's times are those of TIME_ZONE.
        at = timezone.make_aware(at, timezone.get_default_timezone())
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
