"""Resetting a follower in the admin: what it means is shown, and its name has to be typed."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from django_eventsourcing import get_system
from django_eventsourcing.models import DeadLetterRecord
from tests.core.school import DogSchool
from tests.django.admin.clerking import without
from tests.django.admin.pages import follower_page, order_url, text
from tests.django.admin.visitors import logged_in
from tests.django.mailing import Mail, Mailer
from tests.django.status.rows import at

MAILER = follower_page("Mailer")
RESET = order_url("Mailer", "reset")
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def ids(configured, settings, db):
    """Three events that the mailer has processed."""
    settings.EVENTSOURCING = {"default": {"SYSTEM": "tests.django.mailing.mailing_system"}}
    school = get_system().get(DogSchool)
    for _ in range(3):
        school.register_dog("Fido")
    ids = [each.id for each in school.recorder.select_notifications(None, 10)]
    at("default", ids[-1], "Mailer")
    return ids


def position():
    return get_system().get(Mailer).recorder.max_tracking_id("DogSchool")


def form(to, **values):
    return {
        "upstream": "DogSchool",
        "to": to,
        "reason": "lost mail",
        "typed": "Mailer",
        **values,
    }


class TestPage:
    def test_asks_for_a_position_first(self, managing):
        page = managing.get(RESET)

        assert "To reset Mailer is to let it go on from another place of a log." in text(page)
        assert 'name="typed"' not in page.content.decode()

    def test_says_what_going_back_means(self, managing, ids):
        shown = text(managing.get(RESET, {"upstream": "DogSchool", "to": ids[0]}))

        assert f"Position now {ids[2]} Position then {ids[0]} Head of the log {ids[2]}" in shown
        assert "Events between 2" in shown
        assert f"What comes after notification {ids[0]} is processed again" in shown
        assert "Type “Mailer” to confirm" in shown
        assert "Its policy sees to it" not in shown
        assert position() == ids[2]

    def test_says_what_leaving_out_means(self, managing, ids):
        at("default", ids[0], "Mailer")

        shown = text(managing.get(RESET, {"upstream": "DogSchool", "to": ids[1]}))

        assert f"up to notification {ids[1]}, is left out: it is never processed" in shown

    def test_says_why_it_cannot_be_done(self, managing, ids):
        page = managing.get(RESET, {"upstream": "DogSchool", "to": ids[2] + 1})

        assert f"Mailer cannot be set to {ids[2] + 1} of DogSchool" in text(page)
        assert 'name="typed"' not in page.content.decode()

    @pytest.mark.parametrize("query", [{"upstream": "Cats", "to": 1}, {"to": "x"}, {"to": -1}])
    def test_tells_malformed_positions(self, managing, query):
        page = managing.get(RESET, query)

        assert "errorlist" in page.content.decode()
        assert 'name="typed"' not in page.content.decode()

    def test_is_led_to_where_it_can_be_done(self, managing, manager):
        assert RESET in managing.get(MAILER).content.decode()
        assert (
            order_url("Board", "reset") not in managing.get(follower_page("Board")).content.decode()
        )
        operator = logged_in(without(manager, "manage_followers"))
        assert RESET not in operator.get(MAILER).content.decode()


class TestReset:
    def test_is_done_with_user_and_reason(self, managing, ids):
        response = managing.post(RESET, form(ids[0], reason=f"lost {SCRIPT}"), follow=True)

        assert response.redirect_chain == [(MAILER, 302)]
        assert position() == ids[0]
        done = f"Mailer goes on after notification {ids[0]} of DogSchool."
        assert done in response.content.decode()
        assert "No worker runs Mailer now" in response.content.decode()
        entry = LogEntry.objects.get()
        assert (entry.user.username, entry.object_id) == ("viewer", "Mailer")
        assert entry.change_message == (
            f"Reset to notification {ids[0]} of DogSchool: lost {SCRIPT}"
        )
        assert SCRIPT not in response.content.decode()

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"typed": "mailer"}, "“mailer” is not the name of the follower, Mailer."),
            ({"typed": ""}, "“” is not the name of the follower, Mailer."),
            ({"reason": " "}, "A follower is not reset without a reason."),
            ({"to": "x"}, "the form does not say which log and position"),
            ({"upstream": "Cats"}, "the form does not say which log and position"),
        ],
    )
    def test_malformed_forms_change_nothing(self, managing, ids, values, told):
        response = managing.post(RESET, form(ids[0]) | values, follow=True)

        assert told in response.content.decode()
        assert position() == ids[2]
        assert not LogEntry.objects.exists()

    def test_what_was_typed_need_not_be_given_again(self, managing, ids):
        response = managing.post(RESET, form(ids[0], typed="x"), follow=True)

        assert f'name="to" value="{ids[0]}"' in response.content.decode()

    def test_what_is_parked_after_it_has_to_be_settled(self, managing, ids):
        DeadLetterRecord.objects.create(
            application_name="Mailer",
            upstream_name="DogSchool",
            notification_id=ids[1],
            originator_id="x",
            originator_version=1,
        )

        response = managing.post(RESET, form(ids[0]), follow=True)

        assert f"Mailer has parked notification {ids[1]} of DogSchool" in response.content.decode()
        assert position() == ids[2]
        assert not LogEntry.objects.exists()

    def test_events_of_its_own_have_to_be_acknowledged(self, managing, ids):
        get_system().get(Mailer).save(Mail())

        shown = text(managing.get(RESET, {"upstream": "DogSchool", "to": 0}))
        refused = managing.post(RESET, form(0), follow=True)
        assert position() == ids[2]
        managing.post(RESET, form(0, records_again="on"), follow=True)

        assert "Mailer has recorded events of its own" in shown
        assert "Its policy sees to it that nothing is recorded twice" in shown
        assert "Mailer has recorded events of its own" in refused.content.decode()
        assert position() is None

    def test_of_a_segment_resets_all(self, managing, ids, settings):
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": "tests.django.mailing.mailing_system",
                "APPLICATIONS": {"Mailer": {"SEGMENTS": 2}},
            }
        }
        url = order_url("Mailer[1/2]", "reset")

        shown = text(managing.get(url))
        managing.post(url, form(ids[0]), follow=True)

        assert "Mailer is split into segments: all of them are reset." in shown
        assert position() == ids[0]


class TestPermissions:
    @pytest.mark.parametrize("who", ["staff", "viewer", "operator"])
    def test_forged_requests_are_refused(self, who, request, ids):
        client = logged_in(request.getfixturevalue(who))

        assert client.post(RESET, form(ids[0])).status_code == 403
        assert client.get(RESET).status_code == 403
        assert position() == ids[2]
        assert not LogEntry.objects.exists()

    def test_post_from_another_site_is_refused(self, manager, ids):
        client = logged_in(manager, enforce_csrf_checks=True)

        assert client.post(RESET, form(ids[0])).status_code == 403
        assert position() == ids[2]

    def test_get_never_acts(self, managing, ids):
        managing.get(RESET, form(ids[0]))

        assert position() == ids[2]

    def test_anonymous_visitor_is_asked_to_log_in(self):
        assert Client().post(RESET).url.startswith("/admin/login/?next=")
