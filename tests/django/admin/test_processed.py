"""Which followers have processed an event, on its page."""

import pytest
from django.contrib.auth.models import Permission

from django_eventsourcing.models import DeadLetterRecord, StoredEventRecord
from tests.django.admin.pages import EVENTS, follower_page, link, text
from tests.django.status.rows import parked, told

pytestmark = pytest.mark.django_db


def page_of(client, version):
    pk = StoredEventRecord.objects.get(originator_version=version).pk
    return client.get(f"{EVENTS}{pk}/change/")


@pytest.fixture
def events(kennel):
    return [kennel.register("Rex", "sit"), kennel.recorder.max_notification_id()]


@pytest.mark.usefixtures("events")
def test_it_is_told_in_words_and_leads_to_the_follower(client, tally):
    before = page_of(client, 2)
    tally.pull_and_process("Kennel")
    after = page_of(client, 2)

    words = "Names passed over: it does not process events of this class"
    assert f"Followers Tally not yet {words}" in text(before)
    assert f"Followers Tally processed {words}" in text(after)
    assert link(after, "Tally") == follower_page("Tally")


def test_without_the_permission_for_systems_there_is_no_link(client, viewer, events):
    viewer.user_permissions.remove(Permission.objects.get(codename="view_monitoredsystem"))

    page = page_of(client, 2)

    assert "Followers Tally not yet" in text(page)
    assert link(page, "Tally") is None


def test_what_is_parked_or_has_failed_is_told(client, events):
    told("default", "Tally", upstream_name="Kennel", notification_id=events[1], state="failed")
    assert "Followers Tally failed here" in text(page_of(client, 2))
    assert "Followers Tally not yet" in text(page_of(client, 1))

    parked("default", events[1], "Tally")
    DeadLetterRecord.objects.update(upstream_name="Kennel")
    assert "Followers Tally parked" in text(page_of(client, 2))

    DeadLetterRecord.objects.update(status="discarded")
    assert "Followers Tally discarded" in text(page_of(client, 2))


def test_of_segments_the_one_of_the_aggregate_counts(client, events, settings):
    from django_eventsourcing.models import TrackingRecord
    from django_eventsourcing.registry import reset
    from django_eventsourcing.segments import segment_of

    reset()
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.admin.kennel.system",
            "APPLICATIONS": {"Tally": {"SEGMENTS": 2}},
        }
    }
    own = segment_of(events[0], 2) + 1
    for number, position in ((own, events[1]), (3 - own, 0)):
        TrackingRecord.objects.create(
            application_name=f"Tally[{number}/2]", upstream_name="Kennel", notification_id=position
        )

    assert f"Followers Tally[{own}/2] processed" in text(page_of(client, 2))


def test_each_database_tells_it(database):

    from django_eventsourcing.admin.processed import _Event, _read
    from django_eventsourcing.models import TrackingRecord
    from tests.django.status.rows import at

    at(database, 3, "Tally", "Kennel")
    told(database, "Names", upstream_name="Kennel", notification_id=5, state="failed")
    parked(database, 5, "Tally")
    DeadLetterRecord.objects.using(database).update(upstream_name="Kennel")
    event = _Event(upstream="Kennel", id=5, originator_id="4a81", topic="")

    rows = _read(database, TrackingRecord, event)

    assert rows.positions == {"Tally": 3}
    assert rows.letters == {"Tally": "parked"}
    assert rows.failing == {"Names"}
