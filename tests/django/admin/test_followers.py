"""The page of a follower: how it is doing, and what operators tell it there."""

import pytest
from django.conf import settings as configured_settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client

from django_eventsourcing import operating as operating_module
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.segments import EVERYTHING
from tests.django.admin.clerking import without
from tests.django.admin.pages import SYSTEMS, follower_page, order_url, text
from tests.django.admin.records import make_events
from tests.django.admin.visitors import logged_in
from tests.django.status.rows import at, held, parked, processed, told, worker_in

ALIASES = [
    alias for alias in ("default", "postgres", "mariadb") if alias in configured_settings.DATABASES
]
SCRIPT = "<script>alert(1)</script>"
TALLY = follower_page("Tally")
ORDERS = ["pause", "resume", "retry"]


def record():
    return FollowerRecord.objects.filter(application_name="Tally").first()


def give(client, order, reason="", name="Tally"):
    return client.post(order_url(name, order), {"reason": reason}, follow=True)


class TestPage:
    """What there is to read."""

    def test_shows_state_and_positions(self, client):
        make_events(3)
        held("default", "Tally", worker=worker_in("default"))
        at("default", 1, "Tally", "Kennel")
        parked("default", 1, "Tally")

        shown = text(client.get(TALLY))

        assert "State lagging Tally is 2 behind and catching up; 1 notification is set" in shown
        assert "Parked 1 Worker w1 (kennel, process 12) System default" in shown
        assert "Kennel 1 3 2 " in shown

    def test_shows_the_last_error_with_its_traceback(self, client):
        make_events(3)
        told(
            "default",
            "Tally",
            state="failed",
            error="KeyError: 'Rex'",
            traceback='File "tally.py", line 7',
            upstream_name="Kennel",
            notification_id=2,
        )

        shown = text(client.get(TALLY))

        assert "Notification 2 of Kennel: KeyError: 'Rex'" in shown
        assert 'Traceback File "tally.py", line 7' in shown

    def test_last_error_leads_to_its_event_for_those_who_may_view_events(self, viewer):
        make_events(3)
        told("default", "Tally", state="failed", error="KeyError", upstream_name="Kennel")
        told("default", "Tally", notification_id=2)

        shown = logged_in(viewer).get(TALLY).content.decode()
        hidden = logged_in(without(viewer, "view_storedeventrecord")).get(TALLY).content.decode()

        assert 'storedeventrecord/2/change/?database=default">Notification 2 of Kennel' in shown
        assert "storedeventrecord" not in hidden
        assert "Notification 2 of Kennel: KeyError" in hidden

    def test_traceback_is_not_shown_without_the_permission(self, viewer):
        make_events(3)
        told("default", "Tally", state="failed", error="KeyError", traceback="line 7")
        told("default", "Tally", upstream_name="Kennel", notification_id=2)

        shown = text(logged_in(without(viewer, "view_payloads")).get(TALLY))

        assert "line 7" not in shown
        assert "KeyError The traceback is not shown: it may quote what events say" in shown

    def test_failure_that_has_been_processed_since_is_not_shown(self, client):
        make_events(3)
        told(
            "default",
            "Tally",
            error="KeyError: 'Rex'",
            traceback="line 7",
            upstream_name="Kennel",
            notification_id=2,
        )
        at("default", 2, "Tally", "Kennel")

        shown = text(client.get(TALLY))

        assert "KeyError" not in shown
        assert "line 7" not in shown

    def test_error_traceback_and_reason_are_shown_as_text(self, client):
        make_events(3)
        told(
            "default",
            "Tally",
            desired_state="paused",
            desired_reason=f"reason {SCRIPT}",
            error=f"error {SCRIPT}",
            traceback=f"trace {SCRIPT}",
            upstream_name="Kennel",
            notification_id=2,
        )

        page = client.get(TALLY)

        assert SCRIPT not in page.content.decode()
        for kind in ("reason", "error", "trace"):
            assert f"{kind} {SCRIPT}" in text(page)

    def test_unknown_follower_is_not_found(self, client):
        assert client.get(follower_page("Cats")).status_code == 404
        assert client.get(follower_page("Kennel")).status_code == 404

    def test_segment_has_a_page(self, operating, settings):
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": "tests.django.admin.kennel.system",
                "APPLICATIONS": {"Tally": {"SEGMENTS": 2}},
            }
        }

        give(operating, "pause", "because", name="Tally[1/2]")

        assert "Tally[1/2] paused" in text(operating.get(SYSTEMS))
        assert "Paused: because" in text(operating.get(follower_page("Tally[1/2]")))
        assert operating.get(follower_page("Tally")).status_code == 404

    def test_viewer_is_offered_nothing(self, client):
        assert "<form class=" not in client.get(TALLY).content.decode()


class TestOrders:
    """What an operator tells a follower, and what comes of it."""

    def test_pause_is_done_told_and_kept_with_user_and_reason(self, operating):
        response = give(operating, "pause", "prices are being corrected")

        assert response.redirect_chain == [(TALLY, 302)]
        assert "Tally is paused." in response.content.decode()
        assert record().desired_state == "paused"
        assert record().desired_reason == "prices are being corrected (viewer)"
        entry = LogEntry.objects.get()
        assert (entry.user.username, entry.object_id) == ("viewer", "Tally")
        assert entry.change_message == "Paused: prices are being corrected"
        assert "viewer Paused: prices are being corrected" in text(response)

    def test_pause_without_a_reason_does_nothing(self, operating):
        response = give(operating, "pause", "   ")

        assert "To pause a follower, a reason is needed." in response.content.decode()
        assert record() is None
        assert not LogEntry.objects.exists()

    def test_resume_lets_it_go_on(self, operating):
        give(operating, "pause", "because")
        response = give(operating, "resume")

        assert record().desired_state == "running"
        assert record().desired_reason == ""
        assert record().retry_requested_at is not None
        assert "Tally is resumed." in response.content.decode()
        assert "No worker runs Tally now" in response.content.decode()
        assert [e.change_message for e in LogEntry.objects.order_by("id")] == [
            "Paused: because",
            "Resumed",
        ]

    def test_retry_asks_for_another_try(self, operating):
        told("default", "Tally", state="failed", error="KeyError", notification_id=2)
        held("default", "Tally", state="failed")

        response = give(operating, "retry", "the price is there now")

        assert record().retry_requested_at is not None
        assert "Tally is to try again at once." in response.content.decode()
        assert "No worker" not in response.content.decode()
        assert LogEntry.objects.get().change_message == "Told to retry now: the price is there now"

    def test_retry_of_a_paused_follower_says_what_it_waits_for(self, operating):
        told("default", "Tally", desired_state="paused", state="failed", error="KeyError")

        response = give(operating, "retry")

        assert "Tally is paused: it does so when it is resumed." in response.content.decode()

    def test_retry_of_what_has_not_failed_does_nothing(self, operating):
        response = give(operating, "retry")

        assert "Tally has not failed: there is nothing to try" in response.content.decode()
        assert record() is None
        assert not LogEntry.objects.exists()

    @pytest.mark.django_db(databases=ALIASES)
    @pytest.mark.parametrize("alias", ALIASES)
    def test_follower_in_another_database_is_told_there(self, operating, settings, alias):
        settings.EVENTSOURCING = {
            "default": {"SYSTEM": "tests.django.admin.kennel.system", "DATABASE": alias}
        }

        response = give(operating, "pause", "because")

        told_there = FollowerRecord.objects.using(alias).get(application_name="Tally")
        assert told_there.desired_reason == "because (viewer)"
        assert LogEntry.objects.using("default").count() == 1
        assert "Tally is paused: because (viewer)" in text(response)

    def test_what_is_offered_is_what_can_be_done(self, operating):
        running = operating.get(TALLY).content.decode()
        told("default", "Tally", desired_state="paused", error="KeyError", notification_id=2)
        paused = operating.get(TALLY).content.decode()

        assert order_url("Tally", "pause") in running
        assert order_url("Tally", "resume") not in running
        assert order_url("Tally", "retry") not in running
        assert order_url("Tally", "pause") not in paused
        assert order_url("Tally", "resume") in paused
        assert order_url("Tally", "retry") in paused

    def test_history_has_the_last_ten_and_shows_reasons_as_text(self, operating):
        for n in range(12):
            give(operating, "pause", f"reason {n} {SCRIPT}")

        page = operating.get(TALLY)

        history = text(page).partition("History")[2]
        assert history.count("Paused: reason") == 10
        assert f"reason 2 {SCRIPT}" in history
        assert "reason 1 " not in history
        assert history.index("reason 11") < history.index("reason 2")
        assert SCRIPT not in page.content.decode()

    def test_recent_actions_of_the_admin_lead_to_the_follower(self, operating):
        give(operating, "pause", "because")

        assert f'href="{TALLY}"' in operating.get("/admin/").content.decode()

    def test_what_fails_is_told_and_not_put_on_record(self, operating, monkeypatch):
        def fail(alias, follower, **values):
            raise OperationalError("connection refused")

        monkeypatch.setattr(operating_module, "_update", fail)

        response = give(operating, "pause", "because")

        assert "Tally could not be told: connection refused" in response.content.decode()
        assert not LogEntry.objects.exists()

    def test_synchronous_follower_cannot_be_told_anything(self, operating, settings):
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": "tests.django.admin.kennel.system",
                "APPLICATIONS": {"Tally": {"SYNC": True}},
            }
        }
        at("default", EVERYTHING, "Tally[sync]", "Kennel")

        response = give(operating, "pause", "because")

        assert "Tally is run by no worker" in response.content.decode()
        assert "formaction" not in response.content.decode()
        assert record() is None

    @pytest.mark.parametrize("page", ["reset", "skip"])
    def test_nor_has_a_synchronous_follower_pages_for_that(self, managing, settings, page):
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": "tests.django.admin.kennel.system",
                "APPLICATIONS": {"Tally": {"SYNC": True}},
            }
        }
        at("default", EVERYTHING, "Tally[sync]", "Kennel")

        response = managing.get(order_url("Tally", page), follow=True)

        assert response.redirect_chain == [(TALLY, 302)]
        assert "Tally is run by no worker" in response.content.decode()


class TestPermissions:
    """Who may tell followers what to do."""

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("who", ["staff", "viewer"])
    def test_forged_post_is_refused(self, order, who, request):
        response = logged_in(request.getfixturevalue(who)).post(
            order_url("Tally", order), {"reason": "because"}
        )

        assert response.status_code == 403
        assert record() is None
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize("order", ORDERS)
    def test_permission_to_operate_is_nothing_without_that_to_view(self, order, operator):
        operator.user_permissions.remove(
            operator.user_permissions.get(codename="view_monitoredsystem")
        )
        client = logged_in(User.objects.get(pk=operator.pk))

        assert client.post(order_url("Tally", order), {"reason": "because"}).status_code == 403
        assert record() is None

    @pytest.mark.parametrize("order", ORDERS)
    def test_anonymous_visitor_is_asked_to_log_in(self, order, db):
        response = Client().post(order_url("Tally", order), {"reason": "because"})

        assert response.status_code == 302
        assert response.url.startswith("/admin/login/?next=")
        assert record() is None

    @pytest.mark.parametrize("order", ORDERS)
    def test_get_never_acts(self, operating, order):
        response = operating.get(order_url("Tally", order), {"reason": "because"})

        assert response.status_code == 405
        assert record() is None

    @pytest.mark.parametrize("order", ORDERS)
    def test_post_from_another_site_is_refused(self, operator, order):
        client = logged_in(operator, enforce_csrf_checks=True)

        response = client.post(order_url("Tally", order), {"reason": "because"})

        assert response.status_code == 403
        assert record() is None

    def test_superuser_may(self, superuser):
        give(logged_in(superuser), "pause", "because")

        assert record().desired_reason == "because (root)"


def test_rate_and_time_yet_are_shown_and_refreshed(client):
    make_events(3)
    held("default", "Tally", worker=worker_in("default"))
    at("default", 1, "Tally", "Kennel")
    processed("default", 620, "Tally", seconds=2.0, passed=2)

    page, fragment = (client.get(follower_page("Tally") + query) for query in ("", "?fragment=1"))

    assert "Rate 310/s Caught up in 2 s Last hour 310/s now, at most 310/s in the last" in text(
        page
    )
    assert "<html" not in fragment.content.decode()
    assert "Tally is 2 behind, catching up, about 2 s" in fragment.content.decode()
