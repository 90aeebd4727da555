"""The next event of a follower: tried and taken back, or skipped with a reason."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_eventsourcing import get_system
from django_eventsourcing.models import DeadLetterRecord
from tests.django.admin.clerking import CLERK, SETTING, give, letters, teach, without
from tests.django.admin.pages import order_url, text
from tests.django.admin.visitors import logged_in
from tests.django.dead_letters.clerks import Clerk
from tests.django.own_models.models import TrickCount
from tests.django.status.rows import at, ids_of, told

SCRIPT = "<script>alert(1)</script>"
SKIP = order_url("Clerk", "skip")


@pytest.fixture(autouse=True)
def configured(configured, settings, db):
    settings.EVENTSOURCING = SETTING


def stop_at_the_bad_one():
    """Teach a good and a bad trick, and let the clerk stop at the bad; return ids of the log."""
    teach("good", "bad")
    ids = ids_of("default")[-3:]
    at("default", ids[1], "Clerk")
    told("default", "Clerk", state="failed", error="ValueError: bad", attempts=2)
    told("default", "Clerk", upstream_name="DogSchool", notification_id=ids[2])
    return ids


def skip(client, number, *, reason="a joke", upstream="DogSchool"):
    return give(client, "skip", upstream=upstream, notification=number, reason=reason)


class TestDryRun:
    def test_shows_new_events_and_rows_and_records_nothing(self, operating):
        teach("good")
        at("default", ids_of("default")[0], "Clerk")

        shown = text(give(operating, "dry-run"))

        assert "Result it would be processed" in shown
        assert "Clerk Ledger.Opened" in shown
        assert '"version": 2' in shown
        assert "own_models.TrickCount 1 0 0" in shown
        assert "SQL, without values" in shown
        assert not TrickCount.objects.exists()
        assert get_system().get(Clerk).recorder.max_notification_id() is None
        assert get_system().get(Clerk).recorder.max_tracking_id("DogSchool") == ids_of("default")[0]

    def test_shows_the_error_by_which_it_would_fail(self, operating):
        ids = stop_at_the_bad_one()

        shown = text(give(operating, "dry-run"))

        assert f"Notification {ids[2]} of DogSchool" in shown
        assert "Result it would fail" in shown
        assert "ValueError: cannot write down bad" in shown
        assert "Traceback Traceback (most recent call last)" in shown
        assert not letters()

    def test_is_in_the_history(self, operating):
        ids = stop_at_the_bad_one()

        give(operating, "dry-run")

        entry = LogEntry.objects.get()
        assert (entry.user.username, entry.object_id) == ("viewer", "Clerk")
        assert entry.change_message == f"Dry-run of notification {ids[2]} of DogSchool"

    def test_what_events_say_is_not_shown_without_the_permission(self, operator):
        teach("good")
        at("default", ids_of("default")[0], "Clerk")
        client = logged_in(without(operator, "view_payloads"))

        good = give(client, "dry-run").content.decode()
        stop_at_the_bad_one()
        bad = give(client, "dry-run").content.decode()

        assert "&quot;version&quot;" not in good
        assert "not shown: the permission “Can see payloads” is needed" in good
        assert "it would fail" in bad
        assert "Traceback (most recent call last)" not in bad
        assert "The traceback is not shown: it may quote what events say" in bad

    def test_texts_of_the_project_are_shown_as_text(self, operating):
        teach(f"bad {SCRIPT}")
        at("default", ids_of("default")[0], "Clerk")

        page = give(operating, "dry-run")

        assert f"cannot write down bad {SCRIPT}" in text(page)
        assert SCRIPT not in page.content.decode()

    def test_event_is_not_linked_for_those_who_may_not_view_events(self, operator):
        ids = stop_at_the_bad_one()
        url = f"/admin/django_eventsourcing/storedeventrecord/{ids[2]}/change/"

        with_link = give(logged_in(operator), "dry-run").content.decode()
        client = logged_in(without(operator, "view_storedeventrecord"))
        without_link = give(client, "dry-run").content.decode()

        assert url in with_link
        assert url not in without_link

    def test_where_nothing_is_left_it_says_so(self, operating):
        response = give(operating, "dry-run")

        assert "Clerk has nothing to process now." in response.content.decode()
        assert not LogEntry.objects.exists()

    def test_what_prevents_it_is_told_and_not_put_on_record(self, operating, monkeypatch):
        from django_eventsourcing.admin import next_event
        from django_eventsourcing.dead_letters import NotParkedError

        def fail(*args):
            raise NotParkedError("Clerk: it is gone.", "Discard it.")

        stop_at_the_bad_one()
        monkeypatch.setattr(next_event, "dry_run", fail)

        response = give(operating, "dry-run")

        assert response.redirect_chain == [(CLERK, 302)]
        assert ">Clerk: it is gone.  HINT: Discard it.<" in response.content.decode()
        assert not LogEntry.objects.exists()


class TestSkip:
    def test_page_shows_which_event_would_be_skipped(self, managing):
        ids = stop_at_the_bad_one()

        page = managing.get(SKIP)

        shown = text(page)
        assert f"Clerk would go on after notification {ids[2]} of DogSchool" in shown
        assert "Event class Dog.TrickAdded" in shown
        assert '"trick": "bad"' in shown
        assert f'name="notification" value="{ids[2]}"' in page.content.decode()
        assert not letters()

    def test_page_takes_few_queries(self, managing):
        stop_at_the_bad_one()
        managing.get(SKIP)

        with CaptureQueriesContext(connection) as captured:
            managing.get(SKIP)

        assert sum(q["sql"].startswith("SELECT") for q in captured) <= 12

    def test_skips_with_user_and_reason(self, managing):
        ids = stop_at_the_bad_one()

        response = skip(managing, ids[2], reason=f"a joke {SCRIPT}")

        assert response.redirect_chain == [(CLERK, 302)]
        [letter] = letters(status=DeadLetterRecord.Status.SKIPPED)
        assert letter.notification_id == ids[2]
        assert letter.reason == f"a joke {SCRIPT} (by viewer)"
        assert letter.error == "ValueError: bad"
        assert get_system().get(Clerk).recorder.max_tracking_id("DogSchool") == ids[2]
        entry = LogEntry.objects.get()
        assert (
            entry.change_message == f"Skipped notification {ids[2]} of DogSchool: a joke {SCRIPT}"
        )
        done = f"Clerk goes on after notification {ids[2]} of DogSchool."
        assert done in response.content.decode()
        assert "No worker runs Clerk now" in response.content.decode()
        assert SCRIPT not in response.content.decode()

    @pytest.mark.parametrize("reason", ["", "   "])
    def test_without_a_reason_nothing_is_skipped(self, managing, reason):
        ids = stop_at_the_bad_one()

        response = skip(managing, ids[2], reason=reason)

        assert response.redirect_chain == [(SKIP, 302)]
        assert "An event is not skipped without a reason." in response.content.decode()
        assert not letters()
        assert not LogEntry.objects.exists()

    def test_another_than_the_next_is_refused(self, managing):
        ids = stop_at_the_bad_one()

        response = skip(managing, ids[1])

        assert (
            f"Clerk: notification {ids[1]} of DogSchool is not the next one: that is {ids[2]}."
            in response.content.decode()
        )
        assert not letters()
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize(
        ("number", "upstream"), [("", "DogSchool"), ("x", "DogSchool"), ("3", "Cats"), ("3", "")]
    )
    def test_malformed_form_is_refused(self, managing, number, upstream):
        stop_at_the_bad_one()

        response = skip(managing, number, upstream=upstream)

        assert "the form does not say which notification" in response.content.decode()
        assert not letters()

    def test_payload_is_not_shown_without_the_permission(self, manager):
        stop_at_the_bad_one()

        shown = text(logged_in(without(manager, "view_payloads")).get(SKIP))

        assert '"trick"' not in shown
        assert "The payload is not shown: the permission “Can see payloads” is needed." in shown

    def test_where_nothing_is_left_it_says_so(self, managing):
        response = managing.get(SKIP, follow=True)

        assert response.redirect_chain == [(CLERK, 302)]
        assert "Clerk has nothing to process now." in response.content.decode()


class TestPermissions:
    """Who may, and by which request."""

    @pytest.mark.parametrize(
        ("order", "who"),
        [
            ("dry-run", "staff"),
            ("dry-run", "viewer"),
            ("skip", "staff"),
            ("skip", "viewer"),
            ("skip", "operator"),
        ],
    )
    def test_forged_post_is_refused(self, order, who, request):
        ids = stop_at_the_bad_one()
        data = {"upstream": "DogSchool", "notification": ids[2], "reason": "a joke"}

        response = logged_in(request.getfixturevalue(who)).post(order_url("Clerk", order), data)

        assert response.status_code == 403
        assert not letters()
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize("order", ["dry-run", "skip"])
    def test_post_from_another_site_is_refused(self, manager, order):
        ids = stop_at_the_bad_one()
        data = {"upstream": "DogSchool", "notification": ids[2], "reason": "a joke"}
        client = logged_in(manager, enforce_csrf_checks=True)

        assert client.post(order_url("Clerk", order), data).status_code == 403
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize("order", ["dry-run", "skip"])
    def test_anonymous_visitor_is_asked_to_log_in(self, db, order):
        response = Client().post(order_url("Clerk", order))

        assert response.url.startswith("/admin/login/?next=")

    def test_get_dry_runs_nothing(self, managing):
        stop_at_the_bad_one()

        assert managing.get(order_url("Clerk", "dry-run")).status_code == 405
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize("who", ["viewer", "operator"])
    def test_page_that_asks_is_for_managers(self, who, request):
        assert logged_in(request.getfixturevalue(who)).get(SKIP).status_code == 403

    def test_what_is_offered_is_what_is_permitted(self, operator, manager):
        stop_at_the_bad_one()
        managers = logged_in(manager).get(CLERK).content.decode()
        operators = logged_in(without(manager, "manage_followers")).get(CLERK).content.decode()
        viewers = logged_in(without(manager, "operate_followers")).get(CLERK).content.decode()

        assert "Dry-run the next event" in operators
        assert SKIP in managers
        assert SKIP not in operators
        assert "Dry-run the next event" not in viewers

    def test_unknown_follower_is_not_found(self, managing):
        assert managing.get(order_url("Cats", "skip")).status_code == 404
        assert managing.post(order_url("Cats", "dry-run")).status_code == 404
