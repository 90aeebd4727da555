"""Rebuilding a projection in the admin: what it means is shown, and it is requested of workers."""

from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_eventsourcing import get_system
from django_eventsourcing.models import (
    FollowerRecord,
    ProjectionRecord,
    RebuildRequest,
    TrackingRecord,
    WorkerRecord,
)
from django_eventsourcing.rebuilding import Requests
from django_eventsourcing.status import system_status
from tests.django.admin.clerking import without
from tests.django.admin.pages import follower_page, order_url, text
from tests.django.admin.visitors import logged_in
from tests.django.projections.rebuilds import add_tricks, rows
from tests.django.projections.rebuilt import DogSchool, VersionedBoard
from tests.django.read_models.models import Lesson, Trick
from tests.django.status.rows import ago, at, told, worker_in

BOARD = follower_page("Board")
REBUILD = order_url("Board", "rebuild")
WITHDRAW = order_url("Board", "withdraw_rebuild")
SCRIPT = "<script>alert(1)</script>"


def configure(settings, name="board_system", **applications):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": f"tests.django.projections.rebuilt.{name}",
            "APPLICATIONS": applications,
        }
    }


@pytest.fixture(autouse=True)
def board(configured, settings, db):
    """A projection that has processed the tricks of a dog."""
    configure(settings)
    add_tricks()
    follower = get_system().get(VersionedBoard)
    follower.follow("DogSchool", get_system().get(DogSchool).notification_log)
    follower.pull_and_process("DogSchool")


def form(kind="shadow", **values):
    return {"kind": kind, "reason": "wrong counts", "typed": "Board", **values}


def request_it(client, kind="shadow", **values):
    return client.post(REBUILD, form(kind, **values), follow=True)


def the_request():
    return RebuildRequest.objects.select_related("projection").get()


def running(*followers):
    WorkerRecord.objects.filter(pk=worker_in("default")).update(followers=list(followers))


class TestPage:
    def test_shows_what_both_kinds_would_do(self, managing):
        shown = text(managing.get(REBUILD))

        assert "To rebuild Board is to make its rows again from the events." in shown
        assert "own_models.TrickCount: 3" in shown
        assert "DogSchool: 6" in shown
        assert "not known: no rebuild has been measured yet" in shown
        assert shown.index("A second set of tables") < shown.index("an emptied table")
        assert "Type “Board” to confirm" in shown
        assert rows("default") == {"sit": 3, "beg": 1, "roll over": 1}

    def test_asks_once_for_what_both_kinds_have_in_common(self, managing):
        managing.get(REBUILD)

        with CaptureQueriesContext(connection) as captured:
            managing.get(REBUILD)

        statements = [q["sql"] for q in captured if q["sql"].startswith("SELECT")]
        assert len(statements) <= 12
        assert not [sql for sql in statements if "COUNT(" in sql]
        assert sum("SUM(found.one)" in sql for sql in statements) == 2

    def test_says_how_long_it_may_take(self, managing):
        ProjectionRecord.objects.create(application_name="Board", version=1, rate=2.0)

        assert "Time 3 s" in text(managing.get(REBUILD))

    def test_says_why_a_kind_is_refused(self, managing, settings):
        configure(settings, "book_system")
        Lesson.objects.create(trick=Trick.objects.create(name="sit"))
        url = order_url("DogBook", "rebuild")

        page = managing.get(url)

        assert "DogBook cannot be cleared: rows of other tables refer to its rows" in text(page)
        assert 'value="shadow"' in page.content.decode()
        assert 'value="in place"' not in page.content.decode()

    def test_says_why_none_can_be_done(self, managing, settings):
        configure(settings, "odd_system")

        page = managing.get(order_url("Nameless", "rebuild"))

        assert text(page).count("Nameless does not say which models are its.") == 2
        assert 'name="typed"' not in page.content.decode()

    def test_says_that_it_is_paused(self, managing):
        told("default", "Board", desired_state="paused", desired_reason=f"prices {SCRIPT}")

        page = managing.get(REBUILD)

        assert f"Board is paused: prices {SCRIPT}" in text(page)
        assert SCRIPT not in page.content.decode()

    def test_says_that_one_goes_on_that_was_left(self, managing):
        ProjectionRecord.objects.create(
            application_name="Board",
            version=1,
            kind="shadow",
            step="filling",
            building=1,
            heads={"DogSchool": 6},
            started_at=ago(60),
            worker=uuid4(),
        )

        shown = text(managing.get(REBUILD))

        assert "One was begun and left: it goes on from there" in shown
        assert "was ended before it was done: request it again, and it goes on" in shown
        assert "Progress 0 % of the log" in shown

    def test_offers_nothing_while_somebody_is_at_it(self, managing):
        at("default", 3, "Board[shadow]")
        ProjectionRecord.objects.create(
            application_name="Board",
            version=1,
            kind="shadow",
            step="filling",
            building=1,
            heads={"DogSchool": 6},
            started_at=ago(60),
            worker=worker_in("default", name="es_rebuild"),
        )

        page = managing.get(REBUILD)

        assert "under way, by es_rebuild (kennel, process 12)" in text(page)
        assert "Progress 50 % of the log" in text(page)
        assert 'name="typed"' not in page.content.decode()
        assert "Progress 50 % of the log" in text(managing.get(BOARD))
        [notice] = system_status().notices
        assert notice.startswith("Board is being rebuilt by shadow by es_rebuild (kennel, process")
        assert notice.endswith(" UTC: 50 % of the log")

    def test_is_led_to_where_it_can_be_done(self, managing, manager, settings):
        assert REBUILD in managing.get(BOARD).content.decode()
        operator = logged_in(without(manager, "manage_followers"))
        assert REBUILD not in operator.get(BOARD).content.decode()

    def test_a_follower_that_is_no_projection_has_none(self, managing, settings):
        configure(settings, "odd_system")
        url = order_url("Counters", "rebuild")

        for response in (managing.get(url, follow=True), managing.post(url, form(), follow=True)):
            assert response.redirect_chain == [(follower_page("Counters"), 302)]
            assert "Counters is no model projection" in response.content.decode()
        assert url not in managing.get(follower_page("Counters")).content.decode()

    def test_of_a_segment_is_about_the_whole(self, managing, settings):
        configure(settings, Board={"SEGMENTS": 2})
        TrackingRecord.objects.filter(application_name="Board").delete()
        url = order_url("Board[1/2]", "rebuild")

        shown = text(managing.get(url))
        managing.post(url, form(), follow=True)

        assert "Board is split into segments: it is rebuilt as a whole." in shown
        assert "Type “Board” to confirm" in shown
        assert the_request().projection.application_name == "Board"


class TestRequest:
    @pytest.mark.parametrize("kind", ["shadow", "in place"])
    def test_is_put_on_record_with_user_and_reason(self, managing, kind):
        response = request_it(managing, kind, reason=f"wrong {SCRIPT}")

        assert response.redirect_chain == [(BOARD, 302)]
        shown = response.content.decode()
        assert "A rebuild of Board is requested." in shown
        assert "No worker runs it: start manage.py run_system." in shown
        assert SCRIPT not in shown
        request = the_request()
        assert (request.kind, request.requested_by, request.error) == (kind, "viewer", "")
        assert request.reason == f"wrong {SCRIPT}"
        entry = LogEntry.objects.get()
        assert (entry.user.username, entry.object_id) == ("viewer", "Board")
        how = "By shadow" if kind == "shadow" else "In place"
        assert entry.change_message == f"Requested a rebuild, {how}: wrong {SCRIPT}"
        assert rows("default") == {"sit": 3, "beg": 1, "roll over": 1}

    def test_is_shown_until_it_is_done(self, managing):
        request_it(managing)

        shown = text(managing.get(BOARD))
        assert "waits: no worker runs it. Start manage.py run_system." in shown
        assert "Requested by viewer, at 2" in shown
        assert "Reason wrong counts" in shown
        running("Board")
        assert "waits: a worker is about to take it" in text(managing.get(BOARD))
        worker = worker_in("default", name="w2")
        RebuildRequest.objects.update(
            lease_owner=worker, lease_expires_at=ago(-10), taken_by="w2 (kennel, process 12)"
        )
        taken = "taken by w2 (kennel, process 12), which begins it"
        assert taken in text(managing.get(BOARD))
        assert taken in managing.get(f"{BOARD}?fragment=1").content.decode()

    def test_is_told_by_es_status(self, managing):
        request_it(managing)

        [notice] = system_status().notices
        assert notice.startswith("Board: a rebuild by shadow was requested by viewer at 2")
        assert notice.endswith(
            " UTC; it is begun by 'manage.py run_system', which no process has done yet"
        )

    def test_is_made_once(self, managing):
        request_it(managing)

        response = request_it(managing, "in place")

        assert "A rebuild of Board was requested by viewer at 2" in response.content.decode()
        assert the_request().kind == "shadow"
        assert LogEntry.objects.count() == 1
        assert 'name="typed"' not in managing.get(REBUILD).content.decode()

    def test_that_has_failed_says_why_and_gives_way_to_another(self, managing):
        request_it(managing)
        Requests("default").fail(the_request(), f"no space {SCRIPT}")

        page = managing.get(BOARD)
        assert f"has failed: no space {SCRIPT}" in text(page)
        assert SCRIPT not in page.content.decode()
        [notice] = system_status().notices
        assert f", and has failed: no space {SCRIPT}  HINT: Mend the cause; then" in notice
        request_it(managing, "in place")

        assert (the_request().kind, the_request().error) == ("in place", "")

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"typed": "board"}, "“board” is not the name of the follower, Board."),
            ({"typed": ""}, "“” is not the name of the follower, Board."),
            ({"reason": " "}, "A projection is not rebuilt without a reason."),
            ({"kind": ""}, "Nothing is rebuilt: choose how."),
            ({"kind": "sideways"}, "sideways is not one of the available choices."),
        ],
    )
    def test_malformed_forms_change_nothing(self, managing, values, said):
        response = managing.post(REBUILD, form() | values, follow=True)

        assert response.redirect_chain == [(REBUILD, 302)]
        assert said in response.content.decode()
        assert not RebuildRequest.objects.exists()
        assert not LogEntry.objects.exists()

    def test_that_would_be_refused_is_not_put_on_record(self, managing):
        told("default", "Board", desired_state="paused", desired_reason="prices")

        response = request_it(managing)

        assert "Board is paused: prices." in response.content.decode()
        assert not RebuildRequest.objects.exists()
        assert not LogEntry.objects.exists()
        assert FollowerRecord.objects.get(application_name="Board").desired_reason == "prices"


class TestWithdrawal:
    def test_takes_a_request_back(self, managing):
        request_it(managing)
        assert WITHDRAW in managing.get(REBUILD).content.decode()

        response = managing.post(WITHDRAW, {"reason": "not now"}, follow=True)

        assert "The request for a rebuild of Board is withdrawn." in response.content.decode()
        assert not RebuildRequest.objects.exists()
        entry = LogEntry.objects.order_by("id").last()
        assert entry.change_message == "Withdrew the request for a rebuild: not now"

    def test_needs_a_request(self, managing):
        response = managing.post(WITHDRAW, follow=True)

        assert "No rebuild of Board is requested." in response.content.decode()
        assert not LogEntry.objects.exists()

    def test_is_refused_while_a_worker_is_at_it(self, managing):
        request_it(managing)
        RebuildRequest.objects.update(
            lease_owner=uuid4(), lease_expires_at=ago(-10), taken_by="w2 (kennel, process 12)"
        )

        response = managing.post(WITHDRAW, follow=True)

        said = "The rebuild of Board is under way, by w2 (kennel, process 12)."
        assert said in response.content.decode()
        assert RebuildRequest.objects.exists()
        assert WITHDRAW not in managing.get(REBUILD).content.decode()


class TestPermissions:
    @pytest.mark.parametrize("who", ["staff", "viewer", "operator"])
    @pytest.mark.parametrize("url", [REBUILD, WITHDRAW])
    def test_forged_requests_are_refused(self, who, url, request):
        Requests("default").put("Board", "shadow", reason="wrong", by="ann")
        client = logged_in(request.getfixturevalue(who))

        assert client.post(url, form("in place")).status_code == 403
        assert client.get(REBUILD).status_code == 403
        assert the_request().kind == "shadow"
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize("url", [REBUILD, WITHDRAW])
    def test_post_from_another_site_is_refused(self, manager, url):
        Requests("default").put("Board", "shadow", reason="wrong", by="ann")
        client = logged_in(manager, enforce_csrf_checks=True)

        assert client.post(url, form("in place")).status_code == 403
        assert the_request().kind == "shadow"

    def test_get_never_acts(self, managing):
        managing.get(REBUILD, form())
        assert not RebuildRequest.objects.exists()
        Requests("default").put("Board", "shadow", reason="wrong", by="ann")

        assert managing.get(WITHDRAW).status_code == 405
        assert RebuildRequest.objects.exists()

    def test_anonymous_visitor_is_asked_to_log_in(self):
        assert Client().post(REBUILD).url.startswith("/admin/login/?next=")
