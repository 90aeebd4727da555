"""Masking: what events say is in no page of those who lack the permission to see payloads."""

import pytest
from django.test import Client

from django_eventsourcing.models import SnapshotRecord, StoredEventRecord
from tests.django.admin.pages import EVENTS, LOGS, SNAPSHOTS, ids, link, text

CANARY = "Tweety"
WORDS = "Hidden: you lack the permission “Can see payloads”."


@pytest.fixture
def dog_id(kennel):
    """A dog of which every field says the same, also where it cannot be read."""
    dog_id = kennel.register(CANARY, CANARY)
    kennel.rename(dog_id, f"{CANARY}2")
    kennel.take_snapshot(dog_id)
    kennel.rename(dog_id, f"{CANARY}3")
    StoredEventRecord.objects.update(
        metadata={
            "user": CANARY,
            "causation_id": "Kennel:1",
            "correlation_id": "request 1",
            "from": [CANARY],
        }
    )
    return dog_id


def pages(dog_id):
    stream = f"{EVENTS}stream/default/Kennel/{dog_id}/"
    yield from (
        f"{EVENTS}{pk}/change/" for pk in StoredEventRecord.objects.values_list("pk", flat=True)
    )
    yield from (
        f"{SNAPSHOTS}{pk}/change/" for pk in SnapshotRecord.objects.values_list("pk", flat=True)
    )
    yield from (stream, f"{stream}?version=1", f"{stream}?version=3")
    yield from (f"{LOGS}default/Kennel/", f"{LOGS}default/Kennel/newest/")


def seen(user, url):
    client = Client()
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == 200
    return response


def test_with_the_permission_each_page_says_it(viewer, dog_id):
    for url in pages(dog_id):
        assert CANARY in seen(viewer, url).content.decode()


def test_without_the_permission_no_page_has_it(outsider, dog_id):
    for url in pages(dog_id):
        page = seen(outsider, url)

        assert CANARY not in page.content.decode()
        assert WORDS in text(page)


def test_the_texts_of_errors_are_masked(outsider, viewer, dog_id):
    StoredEventRecord.objects.filter(originator_version=3).update(
        topic=f"tests.django.admin.kennel:Dog.{CANARY}", state=b'{"name":"x"}'
    )
    broken = StoredEventRecord.objects.get(originator_version=4)
    broken.topic = "tests.django.admin.kennel:Dog.Renamed"
    broken.state = b'{"name":{"_type_":"%s","_data_":1}}' % CANARY.encode()
    broken.save()

    page = seen(outsider, f"{EVENTS}{broken.pk}/change/")

    assert CANARY not in page.content.decode()
    assert f"The aggregate cannot be made: {WORDS}" in text(page)


def test_names_kinds_and_the_relations_of_events_are_seen(outsider, dog_id):
    page = seen(outsider, f"{EVENTS}{StoredEventRecord.objects.last().pk}/change/")

    assert "Correlation request 1 text" in text(page)
    assert "User hidden text" in text(page)
    assert "from hidden list" in text(page)
    assert "name changed hidden hidden" in text(page)
    assert "ID 1 " in text(seen(outsider, link(page, "Kennel:1")))


@pytest.mark.parametrize("page", [EVENTS, f"{LOGS}default/Kennel/"])
class TestSearching:
    def test_with_the_permission_what_events_say_is_found(self, viewer, dog_id, page):
        assert len(ids(seen(viewer, f"{page}?q={CANARY}"))) == 4
        assert len(ids(seen(viewer, f"{page}?q=user:{CANARY}"))) == 4

    def test_without_it_what_is_hidden_is_not_found_either(self, outsider, dog_id, page):
        assert ids(seen(outsider, f"{page}?q={CANARY}")) == []
        assert len(ids(seen(outsider, f"{page}?q=Renamed"))) == 2
        assert (
            "“user:Tweety”: to search by user, you need the permission “Can see payloads”."
            in text(seen(outsider, f"{page}?q=user:{CANARY}"))
        )
