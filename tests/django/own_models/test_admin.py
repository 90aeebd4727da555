"""The admin shows the events of applications that have tables of their own."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from django_eventsourcing import get_application
from django_eventsourcing.models import StoredEventRecord, TrackingRecord
from django_eventsourcing.registry import reset
from tests.core.school import Counters, DogSchool
from tests.django.admin.pages import EVENTS, LOGS, POSITIONS, SNAPSHOTS, TRACE, ids, link, text
from tests.django.own_models.models import DogTracking
from tests.django.own_models.school import values

pytestmark = pytest.mark.django_db

SECTION = f"{LOGS}default/DogSchool/newest/"


@pytest.fixture(autouse=True)
def school(settings):
    settings.EVENTSOURCING = {"default": values()}
    yield get_application(DogSchool)
    reset()


@pytest.fixture
def client():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def fido(school):
    """Return a dog; its events' ids are those of counters' events, too."""
    fido = school.register_dog("Fido")
    school.add_trick(fido, "sit")
    counters = get_application(Counters)
    counters.follow("DogSchool", school.notification_log)
    counters.pull_and_process("DogSchool")
    return fido


def test_the_log_is_that_of_the_own_table(client, fido):
    assert "DogSchool default default 2" in text(client.get(LOGS))
    assert ids(client.get(SECTION)) == [1, 2]


def test_the_log_leads_to_the_events_of_the_own_table(client, fido):
    page = client.get(link(client.get(SECTION), "2"))

    assert "Dog.TrickAdded" in text(page)
    assert '"trick": "sit"' in text(page)
    assert str(fido) in text(page)


def test_an_event_leads_to_its_neighbours_in_the_own_table(client, fido):
    page = client.get(link(client.get(SECTION), "2"))

    previous = client.get(link(page, "Previous"))

    assert "Dog.Registered" in text(previous)
    assert link(previous, str(fido)) is None


def test_the_causation_leads_into_the_own_table_whoever_may_view_it(client, viewer, fido):
    follows = StoredEventRecord.objects.of("Counters").latest("id")

    page = client.get(f"{EVENTS}{follows.pk}/change/")
    refused = viewer.get(f"{EVENTS}{follows.pk}/change/")

    assert '"trick": "sit"' in text(client.get(link(page, "DogSchool:2")))
    assert "Causation DogSchool:2" in text(refused)
    assert "application=DogSchool" not in refused.content.decode()
    # What is linked is the correlation, to what the user may see of the trace.
    assert link(refused, "DogSchool:2") == f"{TRACE}?id=DogSchool%3A2"
    assert "DogSchool:2 Dog" not in text(viewer.get(link(refused, "DogSchool:2")))


@pytest.fixture
def viewer():
    """Return the client of a user who may view the shared table of events alone."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_storedeventrecord"))
    client = Client()
    client.force_login(user)
    return client


def test_the_own_table_has_a_permission_of_its_own(viewer, fido):
    assert "DogSchool" not in text(viewer.get(LOGS))
    assert viewer.get(SECTION).status_code == 403
    assert viewer.get(f"{EVENTS}2/change/?application=DogSchool").status_code == 403
    assert viewer.get(f"{EVENTS}2/change/").status_code == 200


def test_with_its_permission_the_own_table_is_shown(viewer, fido):
    User.objects.get().user_permissions.add(Permission.objects.get(codename="view_dogevent"))

    assert ids(viewer.get(SECTION)) == [1, 2]
    assert viewer.get(f"{EVENTS}2/change/?application=DogSchool").status_code == 200


def test_the_same_id_in_the_shared_table_is_another_event(client, fido):
    page = text(client.get(f"{EVENTS}2/change/"))

    assert "Counters" in page
    assert "Counter.Incremented" in page


def test_an_event_of_another_application_is_not_found_in_the_own_table(client, fido):
    assert client.get(f"{EVENTS}2/change/?application=DogSchool").status_code == 200
    assert client.get(f"{EVENTS}3/change/?application=DogSchool").status_code == 404


def test_the_list_of_events_says_what_it_does_not_list(client, fido):
    page = client.get(EVENTS)

    assert ids(page) == [2, 1]
    assert "Counters" in text(page)
    assert ("DogSchool keeps its records in a table of its own, which is not listed here.") in text(
        page
    )
    log = client.get(link(page, "Notification log of DogSchool"))
    assert ids(log) == [2, 1]
    assert '"trick": "sit"' in text(log)
    assert ids(
        client.get(log.request["PATH_INFO"], {"q": f"originator:{fido} topic:Registered"})
    ) == [1]


def test_the_list_cannot_be_filtered_by_what_it_does_not_list(client, fido):
    page = client.get(f"{EVENTS}?application=DogSchool")

    assert page.status_code == 200
    assert (
        "“DogSchool” keeps its records in a table of its own, which is not listed here."
    ) in text(page)


def test_the_list_of_snapshots_says_what_it_does_not_list(client):
    assert ("DogSchool keeps its records in a table of its own, which is not listed here.") in text(
        client.get(SNAPSHOTS)
    )


def test_positions_are_read_from_the_own_table_and_compared_with_the_own_log(client, school, fido):
    school.add_trick(fido, "stay")

    page = text(client.get(POSITIONS))

    assert TrackingRecord.objects.count() == 0
    assert DogTracking.objects.get().notification_id == 2
    assert "Counters DogSchool 1 event behind, moved less than a minute ago 2 3 1" in page


def test_a_model_that_is_not_there_is_told_beside_the_application(client, settings, monkeypatch):
    monkeypatch.setenv("COUNTERS_DJANGO_TRACKING_MODEL", "own_models.Nothing")
    settings.EVENTSOURCING = {"default": values(APPLICATIONS={})}

    page = text(client.get(POSITIONS))

    assert "COUNTERS_DJANGO_TRACKING_MODEL is 'own_models.Nothing', which is not a model" in page
    assert client.get(EVENTS).status_code == 200
