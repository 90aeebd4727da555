"""Rows of projections: on the page of a stream, and the button that leads from them to it."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_eventsourcing import get_application
from django_eventsourcing.registry import reset
from example_project.training.application import DogSchool
from example_project.training.leaderboard import Leaderboard
from example_project.training.models import DogRow
from tests.django.admin.pages import EVENTS, SNAPSHOTS, link, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def dog_id(settings):
    """A dog of which there are events, and a row with a name that is a script."""
    training = "example_project.training"
    settings.EVENTSOURCING = {
        "default": {
            "PIPES": [[f"{training}.application.DogSchool", f"{training}.leaderboard.Leaderboard"]]
        }
    }
    reset()
    school = get_application(DogSchool)
    dog_id = school.register_dog("<b>Rex</b>")
    school.add_trick(dog_id, "sit")
    board = get_application(Leaderboard)
    board.follow("DogSchool", school.notification_log)
    board.pull_and_process("DogSchool")
    return dog_id


def row_page(dog_id):
    return f"/admin/training/dogrow/{dog_id}/change/"


def stream_page(dog_id):
    return f"{EVENTS}stream/default/DogSchool/{dog_id}/"


@pytest.fixture
def sees_rows(viewer):
    viewer.user_permissions.add(Permission.objects.get(codename="view_dogrow"))


@pytest.mark.usefixtures("sees_rows")
def test_the_button_leads_from_a_row_to_its_stream_and_back(client, dog_id):
    row = client.get(row_page(dog_id))

    assert link(row, "Events") == stream_page(dog_id)
    stream = client.get(link(row, "Events"))
    assert "Dog at version 2 of 2" in text(stream)
    assert "Rows of projections dog row Leaderboard <b>Rex</b>: 1" in text(stream)
    assert link(stream, "<b>Rex</b>: 1").replace("_2D", "-") == row_page(dog_id)
    assert "<b>Rex" not in stream.content.decode()


def test_without_the_permission_for_events_there_is_no_button(client, viewer, sees_rows, dog_id):
    viewer.user_permissions.remove(Permission.objects.get(codename="view_storedeventrecord"))

    row = client.get(row_page(dog_id))

    assert row.status_code == 200
    assert link(row, "Events") is None
    assert stream_page(dog_id) not in row.content.decode()


@pytest.mark.usefixtures("sees_rows")
def test_a_row_without_events_has_no_button(client, dog_id):
    DogRow.objects.create(dog_id="00000000-0000-0000-0000-000000000007", name="Max")

    row = client.get(row_page("00000000-0000-0000-0000-000000000007"))

    assert row.status_code == 200
    assert link(row, "Events") is None


def test_without_the_permission_for_rows_they_are_not_shown(client, dog_id):
    assert "Rows of projections" not in text(client.get(stream_page(dog_id)))


@pytest.mark.usefixtures("sees_rows")
def test_the_queries_of_the_stream_are_few(client, dog_id):
    client.get(stream_page(dog_id))

    with CaptureQueriesContext(connection) as context:
        client.get(stream_page(dog_id))

    queries = [each["sql"] for each in context.captured_queries]
    assert sum("SAVEPOINT" not in sql for sql in queries) <= 12
    assert not any(word in sql for sql in queries for word in ("COUNT(", "OFFSET", "DISTINCT "))


def test_snapshots_are_listed_for_those_who_may_see_them(client, viewer, kennel):
    dog_id = kennel.register("Rex")
    kennel.rename(dog_id, "Max")
    for version in (1, 2):
        kennel.take_snapshot(dog_id, version=version)
    url = f"{EVENTS}stream/default/Kennel/{dog_id}/"

    page = client.get(url)

    assert "Snapshots Versions 2 1" in text(page)
    [first] = [u for v, u in page.context["snapshots"] if v == 1]
    assert first.startswith(SNAPSHOTS)
    assert "Version 1" in text(client.get(first))

    viewer.user_permissions.remove(Permission.objects.get(codename="view_snapshotrecord"))
    assert "Snapshots Versions" not in text(client.get(url))
