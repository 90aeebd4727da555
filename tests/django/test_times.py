"""Times: told in UTC, whatever zone they are kept in."""

from datetime import UTC, datetime, timedelta, timezone

from django_eventsourcing.times import utc_text


def test_a_time_is_told_in_utc_to_the_second():
    zone = timezone(timedelta(hours=2))

    assert utc_text(datetime(2026, 1, 2, 14, 0, 5, 999, tzinfo=zone)) == "2026-01-02 12:00:05"
    assert utc_text(datetime(2026, 1, 2, 12, 0, 5, tzinfo=UTC)) == "2026-01-02 12:00:05"


def test_without_a_zone_it_is_that_of_the_settings(settings):
    settings.USE_TZ = False
    settings.TIME_ZONE = "Europe/Vienna"

    assert utc_text(datetime(2026, 7, 2, 14, 0, 5)) == "2026-07-02 12:00:05"  # noqa: DTZ001
