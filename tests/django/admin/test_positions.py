"""The positions: how far each follower is, in numbers and in words."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_eventsourcing.models import TrackingRecord
from tests.django.admin.pages import LOGS, POSITIONS, link, text
from tests.django.admin.records import make_events

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

    assert link(page, "Tally") == f"{LOGS}default/Tally/newest/"
    assert link(page, "Kennel") == f"{LOGS}default/Kennel/newest/"


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

    from django_eventsourcing.querysets import StoredEventQuerySet

    def last_position(self):
        raise OperationalError("connection refused")

    monkeypatch.setattr(StoredEventQuerySet, "last_position", last_position)

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
