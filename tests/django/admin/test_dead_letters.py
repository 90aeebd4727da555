"""Dead letters: listed, shown, retried and discarded."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.admin import parked as parked_module
from django_eventsourcing.models import DeadLetterRecord
from tests.django.admin.clerking import (
    CLERK,
    LETTERS,
    SETTING,
    give,
    letter_page,
    letters,
    park,
    without,
)
from tests.django.admin.pages import ids, link, order_url, text
from tests.django.admin.visitors import logged_in
from tests.django.dead_letters.clerks import Clerk

SCRIPT = "<script>alert(1)</script>"
ORDERS = ["retry-parked", "dry-run-parked", "discard"]
Status = DeadLetterRecord.Status


@pytest.fixture(autouse=True)
def configured(configured, settings, db):
    settings.EVENTSOURCING = SETTING


@pytest.fixture
def mend(monkeypatch):
    """Return what removes the cause of the clerk's failures."""
    return lambda: monkeypatch.setattr(Clerk, "is_mended", True)


def make_letters(count, **values):
    DeadLetterRecord.objects.bulk_create(
        DeadLetterRecord(
            **{
                "application_name": "Clerk",
                "upstream_name": "DogSchool",
                "notification_id": n,
                "originator_id": f"dog {n}",
                "originator_version": 1,
                "topic": "tests:Dog",
                "error": f"error {n}",
                "traceback": f"trace {n}",
                **values,
            }
        )
        for n in range(1, count + 1)
    )


class TestFollowerPage:
    def test_lists_what_is_parked_with_event_and_traceback(self, client):
        park("good", f"bad {SCRIPT}", "after")

        page = client.get(CLERK)

        shown = text(page)
        assert f"ValueError: cannot write down bad {SCRIPT}" in shown
        assert "waits behind an earlier one of its aggregate" in shown
        assert "Traceback (most recent call last)" in shown
        assert SCRIPT not in page.content.decode()
        for letter in letters():
            assert letter_page(letter) in page.content.decode()
            event = (
                f"/admin/django_eventsourcing/storedeventrecord/{letter.notification_id}/change/"
            )
            assert event in page.content.decode()

    def test_shows_twenty_and_leads_to_the_others(self, client):
        make_letters(21)

        page = client.get(CLERK)

        assert "error 20 " in text(page)
        assert "error 21 " not in text(page)
        assert link(page, "All that is parked") == f"{LETTERS}?follower=Clerk&status=parked"

    def test_twenty_are_all_there_is(self, client):
        make_letters(20)

        assert link(client.get(CLERK), "All that is parked") is None

    def test_traceback_is_not_shown_without_the_permission(self, viewer):
        park("bad")

        shown = text(logged_in(without(viewer, "view_payloads")).get(CLERK))

        assert "ValueError: cannot write down bad" in shown
        assert "Traceback (most recent call last)" not in shown
        assert (
            "The traceback is not shown: it may quote what events say, for which the permission "
            "“Can see payloads” is needed." in shown
        )

    def test_nothing_is_linked_that_may_not_be_viewed(self, viewer):
        park("bad")
        client = logged_in(without(viewer, "view_deadletterrecord", "view_storedeventrecord"))

        page = client.get(CLERK).content.decode()

        assert "cannot write down bad" in page
        assert LETTERS not in page
        assert "storedeventrecord" not in page

    def test_letters_are_found_without_counting_or_offset(self, client):
        make_letters(30)

        with CaptureQueriesContext(connection) as queries:
            client.get(CLERK)

        of_letters = [q["sql"] for q in queries if 'deadletterrecord"."traceback' in q["sql"]]
        assert len(of_letters) == 1
        assert "COUNT" not in of_letters[0]
        assert "OFFSET" not in of_letters[0]


class TestList:
    def test_shows_the_newest_first_in_pages(self, client):
        make_letters(120)
        [*numbers] = sorted((each.pk for each in letters()), reverse=True)

        first = client.get(LETTERS)
        second = client.get(link(first, "Older"))
        oldest = client.get(link(first, "Oldest"))

        assert ids(first) == numbers[:50]
        assert ids(second) == numbers[50:100]
        assert ids(oldest) == numbers[70:]
        assert ids(client.get(link(second, "Newer"))) == numbers[:50]
        assert ids(client.get(link(second, "Newest"))) == numbers[:50]

    def test_counts_nothing_and_reads_no_traceback(self, client):
        make_letters(60)

        with CaptureQueriesContext(connection) as queries:
            client.get(LETTERS, {"follower": "Clerk", "status": "parked"})

        assert len(queries) <= 12
        for query in queries:
            for word in ("COUNT(", "OFFSET", "DISTINCT", "traceback"):
                assert word not in query["sql"]

    def test_filters_by_follower_and_status(self, client):
        make_letters(2)
        make_letters(1, application_name="Counters", status=Status.SKIPPED, error="other")

        assert len(ids(client.get(LETTERS))) == 3
        assert len(ids(client.get(LETTERS, {"follower": "Clerk"}))) == 2
        assert "other" in text(client.get(LETTERS, {"status": "skipped"}))
        nothing = client.get(LETTERS, {"follower": "Clerk", "status": "skipped"})
        assert "No dead letter matches these filters." in text(nothing)

    def test_a_rare_match_is_searched_for_in_a_window(self, client, monkeypatch):
        from django_eventsourcing.admin import dead_letters

        monkeypatch.setattr(dead_letters, "WINDOW", 10)
        make_letters(1, status=Status.SKIPPED)
        make_letters(40, application_name="Counters")

        page = client.get(LETTERS, {"status": "skipped"})

        assert ids(page) == []
        assert "have been searched for this page" in text(page)
        assert link(page, "Older")

    def test_unknown_filters_are_told(self, client):
        make_letters(1)

        page = client.get(LETTERS, {"follower": "Cats", "status": "lost"})

        assert "No configured system has a follower “Cats”." in text(page)
        assert "Dead letters have no status “lost”." in text(page)
        assert ids(page) == []

    def test_unknown_place_is_told(self, client):
        make_letters(1)

        page = client.get(LETTERS, {"before": "newest"})

        assert "“newest” is not the ID of a dead letter, so the newest are shown." in text(page)
        assert len(ids(page)) == 1

    def test_without_any_it_says_so(self, client):
        assert "No follower has set anything aside." in text(client.get(LETTERS))


class TestPage:
    def test_shows_what_it_is_and_what_waits_behind_it(self, client):
        dog_id = park("good", "bad", "after")
        bad, after = letters()

        page = client.get(letter_page(bad))

        shown = text(page)
        assert "Status parked Follower Clerk" in shown
        assert f"{bad.notification_id} of DogSchool" in shown
        assert f"Originator ID {dog_id} Version 3 Attempts 1" in shown
        assert "ValueError: cannot write down bad" in shown
        assert "Traceback (most recent call last)" in shown
        assert letter_page(after) in page.content.decode()
        assert link(page, "Clerk") == CLERK

    def test_shows_what_became_of_it(self, client):
        make_letters(
            1,
            status=Status.DISCARDED,
            reason=f"a joke {SCRIPT}",
            resolved_at="2026-01-02T03:04:05Z",
        )
        [letter] = letters()

        page = client.get(letter_page(letter))

        assert f"What became of it discarded, 2026-01-02 03:04:05 : a joke {SCRIPT}" in text(page)
        assert SCRIPT not in page.content.decode()

    def test_of_an_unknown_follower_is_shown_and_offers_nothing(self, managing):
        make_letters(1, application_name="Cats")
        letter = DeadLetterRecord.objects.get()

        page = managing.get(letter_page(letter))

        assert "unknown follower: not in a configured system" in text(page)
        assert "<form class=" not in page.content.decode()

    def test_unknown_letter_is_not_found(self, client):
        assert client.get(f"{LETTERS}7/change/").status_code == 404
        assert client.get(f"{LETTERS}x/change/").status_code == 404
        assert client.get(f"{LETTERS}7/change/?database=no").status_code == 404

    def test_what_is_offered_is_what_is_permitted(self, manager):
        make_letters(1)
        [letter] = letters()
        managers = logged_in(manager).get(letter_page(letter)).content.decode()
        operators = (
            logged_in(without(manager, "manage_followers"))
            .get(letter_page(letter))
            .content.decode()
        )
        viewers = (
            logged_in(without(manager, "operate_followers"))
            .get(letter_page(letter))
            .content.decode()
        )

        assert order_url("Clerk", "discard") in managers
        assert order_url("Clerk", "retry-parked") in operators
        assert order_url("Clerk", "discard") not in operators
        assert "<form class=" not in viewers


class TestRetry:
    def test_processes_one(self, operating, mend):
        park("good", "bad", "after")
        bad, _after = letters()
        mend()

        response = give(
            operating,
            "retry-parked",
            letter=bad.pk,
            which="one",
            reason="it is mended",
            **{"from": "letter"},
        )

        assert response.redirect_chain == [(letter_page(bad), 302)]
        assert [each.status for each in letters()] == ["processed", "parked"]
        assert letters()[0].reason == "retried by viewer"
        assert "1 notification has been processed." in response.content.decode()
        assert "Clerk has 1 notification parked yet." in response.content.decode()
        assert LogEntry.objects.get().change_message == (
            f"Retried notification {bad.notification_id} of DogSchool: it is mended"
        )

    def test_processes_all_of_the_aggregate_and_no_others(self, operating, mend):
        dog_id = park("bad", "after")
        park("bad too")
        mend()

        give(operating, "retry-parked", letter=letters()[0].pk, which="aggregate")

        assert [each.status for each in letters()] == ["processed", "processed", "parked"]
        assert LogEntry.objects.get().change_message == (
            f"Retried what is parked of aggregate {dog_id} of DogSchool"
        )

    def test_processes_all(self, operating, mend):
        park("bad", "after")
        park("bad too")
        mend()

        response = give(operating, "retry-parked", which="all")

        assert response.redirect_chain == [(CLERK, 302)]
        assert {each.status for each in letters()} == {"processed"}
        assert "3 notifications have been processed." in response.content.decode()
        assert "parked yet" not in response.content.decode()

    def test_what_fails_again_is_told(self, operating):
        park(f"bad {SCRIPT}")
        [letter] = letters()

        response = give(operating, "retry-parked", letter=letter.pk, which="one")

        assert [(each.status, each.attempts) for each in letters()] == [("parked", 2)]
        assert f"Notification {letter.notification_id} of DogSchool has failed again" in (
            response.content.decode()
        )
        assert SCRIPT not in response.content.decode()

    def test_one_that_has_to_wait_for_another_is_refused(self, operating, mend):
        park("bad", "after")
        bad, after = letters()
        mend()

        response = give(operating, "retry-parked", letter=after.pk, which="one")

        assert f"Retry or discard {bad.notification_id} first" in response.content.decode()
        assert {each.status for each in letters()} == {"parked"}

    def test_a_request_ends_after_so_many_and_says_how_many_are_left(
        self, operating, mend, monkeypatch
    ):
        monkeypatch.setattr(parked_module, "MOST_LETTERS", 2)
        park("bad", "after", "later", "last")
        mend()

        response = give(operating, "retry-parked", which="all")

        assert [each.status for each in letters()].count("processed") == 2
        assert "2 notifications have been processed." in response.content.decode()
        assert "Clerk has 2 notifications parked yet." in response.content.decode()

    def test_a_request_ends_after_so_long(self, operating, mend, monkeypatch):
        monkeypatch.setattr(parked_module, "MOST_SECONDS", -1.0)
        park("bad", "after")
        mend()

        give(operating, "retry-parked", which="all")

        assert [each.status for each in letters()] == ["processed", "parked"]

    def test_where_nothing_is_parked_it_says_so(self, operating):
        response = give(operating, "retry-parked", which="all")

        assert "Clerk has nothing parked: nothing has been tried." in response.content.decode()

    def test_number_left_is_counted_up_to_a_limit(self, operating, monkeypatch):
        from django_eventsourcing.admin import letters as letters_module

        monkeypatch.setattr(letters_module, "COUNT_LIMIT", 3)
        monkeypatch.setattr(parked_module, "MOST_LETTERS", 1)
        park("bad", "after", "later", "last")

        response = give(operating, "retry-parked", which="all")

        assert "Clerk has 3+ notifications parked yet." in response.content.decode()


class TestDryRun:
    def test_of_a_letter_shows_what_it_would_do(self, operating, mend):
        park("bad")
        [letter] = letters()
        mend()

        shown = text(give(operating, "dry-run-parked", letter=letter.pk))

        assert f"{letter.notification_id} of DogSchool" in shown
        assert "it would be processed" in shown
        assert [each.status for each in letters()] == ["parked"]


class TestDiscard:
    def test_gives_it_up_with_user_and_reason(self, managing):
        park("bad")
        [letter] = letters()

        response = give(
            managing, "discard", letter=letter.pk, reason="a joke", **{"from": "letter"}
        )

        assert response.redirect_chain == [(letter_page(letter), 302)]
        [letter] = letters()
        assert (letter.status, letter.reason) == ("discarded", "a joke (by viewer)")
        done = f"Notification {letter.notification_id} of DogSchool is discarded."
        assert done in response.content.decode()
        assert LogEntry.objects.get().change_message == (
            f"Discarded notification {letter.notification_id} of DogSchool: a joke"
        )

    def test_without_a_reason_nothing_is_given_up(self, managing):
        park("bad")

        response = give(managing, "discard", letter=letters()[0].pk, reason=" ")

        assert "A dead letter is not discarded without a reason." in response.content.decode()
        assert [each.status for each in letters()] == ["parked"]
        assert not LogEntry.objects.exists()

    def test_what_has_been_settled_is_told(self, managing, mend):
        park("bad")
        [letter] = letters()
        give(managing, "discard", letter=letter.pk, reason="a joke")

        response = give(managing, "discard", letter=letter.pk, reason="again")

        assert "it was discarded at" in response.content.decode()
        assert LogEntry.objects.count() == 1


class TestPermissions:
    @pytest.mark.parametrize(
        ("order", "who"),
        [
            *((order, who) for order in ORDERS for who in ("staff", "viewer")),
            ("discard", "operator"),
        ],
    )
    def test_forged_post_is_refused(self, order, who, request, mend):
        park("bad")
        mend()
        data = {"letter": letters()[0].pk, "which": "all", "reason": "because"}

        response = logged_in(request.getfixturevalue(who)).post(order_url("Clerk", order), data)

        assert response.status_code == 403
        assert [each.status for each in letters()] == ["parked"]
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize("order", ORDERS)
    def test_get_never_acts(self, managing, order):
        park("bad")
        data = {"letter": letters()[0].pk, "reason": "because"}

        assert managing.get(order_url("Clerk", order), data).status_code == 405
        assert [each.status for each in letters()] == ["parked"]

    @pytest.mark.parametrize("order", ORDERS)
    def test_post_from_another_site_is_refused(self, manager, order):
        park("bad")
        data = {"letter": letters()[0].pk, "reason": "because"}
        client = logged_in(manager, enforce_csrf_checks=True)

        assert client.post(order_url("Clerk", order), data).status_code == 403
        assert [each.status for each in letters()] == ["parked"]

    @pytest.mark.parametrize("order", ORDERS)
    def test_anonymous_visitor_is_asked_to_log_in(self, db, order):
        response = Client().post(order_url("Clerk", order))

        assert response.url.startswith("/admin/login/?next=")

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("letter", ["", "x", "0"])
    def test_letter_of_another_follower_is_not_found(self, managing, order, letter):
        make_letters(1, application_name="Counters")
        number = letter or DeadLetterRecord.objects.get().pk

        data = {"letter": number, "which": "one", "reason": "because"}

        assert managing.post(order_url("Clerk", order), data).status_code == 404
        assert DeadLetterRecord.objects.get().status == "parked"
