"""The positions: how far each follower is, in numbers and in words."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_eventsourcing.models import ProjectionRecord, TrackingRecord
from django_eventsourcing.segments import EVERYTHING, RETIRED
from tests.django.admin.pages import LOGS, POSITIONS, link, text
from tests.django.admin.records import make_events
from tests.django.status.rows import worker_in

MOVED = "moved less than a minute ago"


def track(follower, upstream, position, **values):
    TrackingRecord.objects.create(
        application_name=follower, upstream_name=upstream, notification_id=position, **values
    )


def test_follower_that_has_processed_everything_is_up_to_date(client, kennel, tally):
    kennel.register("Rex", "sit")
    tally.pull_and_process("Kennel")

    assert "Tally Kennel up to date 2 2 0 " in text(client.get(POSITIONS))


def test_follower_that_has_not_is_behind(client):
    make_events(20)
    track("Tally", "Kennel", 8)

    assert f"Tally Kennel 12 events behind, {MOVED} 8 20 12 " in text(client.get(POSITIONS))


def test_one_event_is_in_the_singular(client):
    make_events(2)
    track("Tally", "Kennel", 1)

    assert f"Tally Kennel 1 event behind, {MOVED} 1 2 1 " in text(client.get(POSITIONS))


def test_events_of_others_do_not_count(client):
    make_events(20, application_name=lambda n: "Tally" if 5 < n < 19 else "Kennel")
    track("Tally", "Kennel", 5)

    assert f"Tally Kennel 2 events behind, {MOVED} 5 20 15 " in text(client.get(POSITIONS))


def test_events_of_other_topics_do_not_count(client):
    make_events(20)
    track("Names", "Kennel", 5)

    assert "Names Kennel up to date 5 20 15 " in text(client.get(POSITIONS))


def test_many_events_are_not_counted_to_the_end(client):
    make_events(1500)
    track("Tally", "Kennel", 1)

    assert f"over 1000 events behind, {MOVED} 1 1500 1499 " in text(client.get(POSITIONS))


def test_position_that_is_behind_says_when_it_has_moved(client):
    make_events(2)
    track("Tally", "Kennel", 1, updated_at=timezone.now() - timedelta(minutes=3, seconds=30))

    shown = text(client.get(POSITIONS))

    assert "1 event behind, moved 3 minutes ago 1 2 1 " in shown
    assert "A follower that is behind and has not moved for long is off, or has failed:" in shown


def test_position_leads_to_the_logs_of_both(client):
    page = client.get(POSITIONS)

    assert link(page, "Tally") == f"{LOGS}default/Tally/"
    assert link(page, "Kennel") == f"{LOGS}default/Kennel/"


def test_position_leads_nowhere_without_permission_for_events(staff):
    staff.user_permissions.add(Permission.objects.get(codename="view_trackingrecord"))
    browser = Client()
    browser.force_login(staff)

    page = browser.get(POSITIONS)

    assert "Tally Kennel not started" in text(page)
    assert link(page, "Tally") is None


@pytest.mark.parametrize("has_row", [False, True])
def test_follower_without_a_position_has_not_started(client, has_row):
    make_events(3)
    if has_row:
        track("Tally", "Kennel", 0)

    assert "Tally Kennel not started, 3 events behind - 3 3 " in text(client.get(POSITIONS))


def test_follower_of_an_empty_log_has_not_started(client):
    assert "Tally Kennel not started - - - - default" in text(client.get(POSITIONS))


def test_position_of_an_unknown_follower_is_marked(client):
    track("Gone", "<b>Kennel</b>", 7)

    response = client.get(POSITIONS)

    assert "Gone <b>Kennel</b> unknown follower: not in a configured system 7 - - " in text(
        response
    )
    assert "<b>Kennel" not in response.content.decode()


def test_database_that_cannot_be_read_is_told(client, monkeypatch):
    from django.db import OperationalError

    from django_eventsourcing.admin import heads

    def read_each(alias, questions):
        raise OperationalError("connection refused")

    monkeypatch.setattr(heads, "read_each", read_each)

    response = client.get(POSITIONS)

    assert response.status_code == 200
    assert "cannot be read: connection refused" in text(response)


def test_followers_in_memory_are_shown(client, settings):
    from django_eventsourcing import get_application
    from tests.django.admin.kennel import Kennel, Tally

    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.admin.kennel.system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }
    kennel, tally = get_application(Kennel), get_application(Tally)
    tally.follow("Kennel", kennel.notification_log)
    kennel.register("Rex")
    tally.pull_and_process("Kennel")
    kennel.register("Fido")

    assert "Tally Kennel 1 event behind 1 2 1 " in text(client.get(POSITIONS))


def test_page_does_not_count_in_the_database(client):
    make_events(100)
    track("Tally", "Kennel", 1)

    with CaptureQueriesContext(connection) as queries:
        client.get(POSITIONS)

    assert not [q for q in queries if "COUNT" in q["sql"] or "OFFSET" in q["sql"]]


def test_faulty_settings_are_told(client, settings):
    settings.EVENTSOURCING = {"default": {"SYTEM": "x.y"}}
    track("Tally", "Kennel", 1)

    shown = text(client.get(POSITIONS))

    assert "SYTEM" in shown
    assert "Tally Kennel unknown follower: not in a configured system 1 - - " in shown


def test_segments_have_lines_of_their_own_and_retired_ones_have_none(client, settings):
    make_events(4)
    default = settings.EVENTSOURCING["default"]
    settings.EVENTSOURCING = {
        "default": {**default, "APPLICATIONS": {"Tally": {"SEGMENTS": 2}}},
    }
    for name, position in (("Tally", RETIRED), ("Tally[1/2]", 4), ("Tally[2/2]", 3)):
        track(name, "Kennel", position)

    shown = text(client.get(POSITIONS))

    assert "Tally[1/2] Kennel up to date 4 4 0 " in shown
    assert f"Tally[2/2] Kennel 1 event behind, {MOVED} 3 4 1 " in shown
    assert str(RETIRED) not in shown


@pytest.fixture
def rebuilt_by_shadow(db):
    """Put on record that a rebuild by shadow is under way, by a worker heard of so long ago."""

    def begin(follower, *, heartbeat):
        ProjectionRecord.objects.create(
            application_name=follower,
            version=1,
            building=1,
            kind=ProjectionRecord.Kind.SHADOW,
            step=ProjectionRecord.Step.FILLING,
            worker=worker_in("default", heartbeat=heartbeat),
        )

    return begin


def test_a_synchronous_follower_is_shown_as_what_it_is(client):
    make_events(20)
    track("Tally", "Kennel", RETIRED)
    track("Tally[sync]", "Kennel", EVERYTHING)

    page = text(client.get(POSITIONS))

    assert "Tally Kennel synchronous: up to date by itself 20 20 0 " in page
    assert "Tally[sync]" not in page


def test_a_shadow_is_shown_as_what_it_is(client, rebuilt_by_shadow):
    make_events(4)
    track("Tally", "Kennel", 4)
    track("Tally[shadow]", "Kennel", 3)
    rebuilt_by_shadow("Tally", heartbeat=1)

    page = client.get(POSITIONS)

    words = "shadow of Tally, being filled, 1 event behind"
    assert f"Tally[shadow] Kennel {words} 3 4 1 " in text(page)
    assert "Tally Kennel up to date 4 4 0 " in text(page)
    assert "unknown" not in text(page)
    assert link(page, "Tally[shadow]") == link(page, "Tally")


def test_a_shadow_that_has_caught_up_is_still_one(client, rebuilt_by_shadow):
    make_events(4)
    track("Tally[shadow]", "Kennel", 4)
    rebuilt_by_shadow("Tally", heartbeat=1)

    assert "Tally[shadow] Kennel shadow of Tally, being filled 4 4 0 " in text(
        client.get(POSITIONS)
    )


def test_a_shadow_that_nobody_fills_any_more_is_marked(client, rebuilt_by_shadow):
    make_events(4)
    track("Tally[shadow]", "Kennel", 3)
    rebuilt_by_shadow("Tally", heartbeat=600)

    words = "shadow of Tally, left before it was full, 1 event behind"
    assert f"Tally[shadow] Kennel {words} 3 4 1 " in text(client.get(POSITIONS))


@pytest.mark.parametrize(
    ("follower", "upstream"), [("Gone[shadow]", "Kennel"), ("Tally[shadow]", "Gone")]
)
def test_a_shadow_of_what_no_system_has_is_unknown(client, follower, upstream):
    track(follower, upstream, 3)

    assert f"{follower} {upstream} unknown follower: not in a configured system" in text(
        client.get(POSITIONS)
    )


def test_a_shadow_whose_record_cannot_be_read_is_told(client, monkeypatch):
    from django.db import OperationalError

    from django_eventsourcing.admin import positions

    def read_records(alias, followers):
        raise OperationalError("connection refused")

    track("Tally[shadow]", "Kennel", 3)
    monkeypatch.setattr(positions, "read_records", read_records)

    shown = text(client.get(POSITIONS))

    assert "Tally[shadow] Kennel cannot be read: connection refused 3 - - " in shown
