"""The view permission is enough to read everything, and nobody may write anything."""

import pytest
from django.test import Client

from django_eventsourcing.models import StoredEventRecord, TrackingRecord
from tests.django.admin.clerking import LETTERS
from tests.django.admin.pages import (
    CATALOGUE,
    CONFIGURATION,
    EVENTS,
    LOGS,
    POSITIONS,
    SNAPSHOTS,
    SYSTEMS,
    TRACE,
    follower_page,
)
from tests.django.admin.records import DOG, make_events
from tests.django.admin.visitors import logged_in
from tests.django.status.rows import parked

PAGES = [
    EVENTS,
    f"{EVENTS}1/change/",
    LOGS,
    f"{LOGS}default/Kennel/newest/",
    f"{LOGS}default/Kennel/",
    f"{EVENTS}stream/default/Kennel/{DOG}/",
    f"{TRACE}?id=Kennel:1",
    SNAPSHOTS,
    POSITIONS,
    SYSTEMS,
    follower_page("Tally"),
    CATALOGUE,
    CONFIGURATION,
    LETTERS,
    f"{LETTERS}1/change/",
    f"{SYSTEMS}?fragment=1",
    f"{follower_page('Tally')}?fragment=1",
]
FORGED = [
    (EVENTS, {"action": "delete_selected", "_selected_action": "1", "post": "yes"}),
    (f"{EVENTS}add/", {"application_name": "Kennel"}),
    (f"{EVENTS}1/change/", {"topic": "changed"}),
    (f"{EVENTS}1/delete/", {"post": "yes"}),
    (f"{EVENTS}stream/default/Kennel/{DOG}/", {"version": "1"}),
    (TRACE, {"id": "Kennel:1"}),
    (f"{LOGS}default/Kennel/", {"q": "id:1"}),
    (f"{LOGS}default/Kennel/newest/", {}),
    (SNAPSHOTS, {"action": "delete_selected", "_selected_action": "1", "post": "yes"}),
    (f"{SNAPSHOTS}1/delete/", {"post": "yes"}),
    (POSITIONS, {"action": "delete_selected", "_selected_action": "1", "post": "yes"}),
    (f"{POSITIONS}add/", {"application_name": "Tally"}),
    (f"{POSITIONS}1/change/", {"notification_id": "0"}),
    (f"{POSITIONS}1/delete/", {"post": "yes"}),
    (SYSTEMS, {"action": "delete_selected", "_selected_action": "Tally", "post": "yes"}),
    (f"{SYSTEMS}add/", {"name": "Tally"}),
    (follower_page("Tally"), {"name": "Tally"}),
    (CATALOGUE, {}),
    (CONFIGURATION, {"DEBUG": "True"}),
    (f"{SYSTEMS}Tally/delete/", {"post": "yes"}),
    (LETTERS, {"action": "delete_selected", "_selected_action": "1", "post": "yes"}),
    (f"{LETTERS}add/", {"application_name": "Tally"}),
    (f"{LETTERS}1/change/", {"status": "processed"}),
    (f"{LETTERS}1/delete/", {"post": "yes"}),
]


@pytest.fixture(autouse=True)
def rows(db):
    make_events(1)
    TrackingRecord.objects.create(
        id=1, application_name="Tally", upstream_name="Kennel", notification_id=1
    )
    parked("default", 1, "Tally", id=1)


@pytest.mark.parametrize("page", PAGES)
def test_viewer_reads(viewer, page):
    assert logged_in(viewer).get(page).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_superuser_reads(superuser, page):
    assert logged_in(superuser).get(page).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_anonymous_visitor_is_asked_to_log_in(page):
    response = Client().get(page)

    assert response.status_code == 302
    assert response.url.startswith("/admin/login/?next=")


@pytest.mark.parametrize("page", PAGES)
def test_staff_without_permission_is_refused(staff, page):
    assert logged_in(staff).get(page).status_code == 403


def test_staff_without_permission_sees_nothing_of_it_in_the_index(staff):
    assert "Event sourcing" not in logged_in(staff).get("/admin/").content.decode()


def test_viewer_finds_the_lists_in_the_index_for_viewing_only(viewer):
    index = logged_in(viewer).get("/admin/").content.decode()

    assert all(f'href="{page}"' in index for page in (EVENTS, SNAPSHOTS, POSITIONS, SYSTEMS))
    assert "addlink" not in index
    assert "changelink" not in index


@pytest.mark.parametrize(("page", "data"), FORGED)
@pytest.mark.parametrize("who", ["viewer", "superuser"])
def test_forged_post_is_refused(who, page, data, request):
    before = list(StoredEventRecord.objects.values()), list(TrackingRecord.objects.values())

    response = logged_in(request.getfixturevalue(who)).post(page, data)

    assert response.status_code == 403
    after = list(StoredEventRecord.objects.values()), list(TrackingRecord.objects.values())
    assert after == before


@pytest.mark.parametrize("page", [f"{EVENTS}add/", f"{EVENTS}1/delete/", f"{EVENTS}1/history/"])
def test_pages_for_changes_are_refused_to_superusers_too(superuser, page):
    assert logged_in(superuser).get(page).status_code == 403


def test_permission_for_positions_does_not_show_events(staff):
    from django.contrib.auth.models import Permission

    staff.user_permissions.add(Permission.objects.get(codename="view_trackingrecord"))
    client = logged_in(staff)

    assert client.get(POSITIONS).status_code == 200
    assert client.get(EVENTS).status_code == 403
    assert client.get(LOGS).status_code == 403


def test_position_leads_to_the_list(viewer):
    response = logged_in(viewer).get(f"{POSITIONS}1/change/")

    assert response.status_code == 302
    assert response.url == POSITIONS
