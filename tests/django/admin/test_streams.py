"""The page of a stream: an aggregate at each version, and what each event has changed."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.models import SnapshotRecord, StoredEventRecord
from eventsourcing.persistence import OperationalError
from tests.django.admin.pages import EVENTS, link, text

SCRIPT = "<script>alert('x')</script>\u202e"


def stream(dog_id, name="Kennel", system="default"):
    return f"{EVENTS}stream/{system}/{name}/{dog_id}/"


def event_page(version):
    event = StoredEventRecord.objects.get(originator_version=version)
    return f"{EVENTS}{event.pk}/change/"


@pytest.fixture
def rex(kennel):
    """A dog of which each event changes something."""
    dog_id = kennel.register("Rex")
    for name in ("Max", "Bello"):
        kennel.rename(dog_id, name)
    return dog_id


def test_it_shows_the_aggregate_as_it_is_now(client, rex):
    shown = text(client.get(stream(rex)))

    assert "Dog at version 3 of 3" in shown
    assert 'name "Bello" "Max" changed' in shown
    assert "3 Dog.Renamed" in shown
    assert "1 Dog.Registered" in shown


def test_it_steps_through_the_versions(client, rex):
    page = client.get(stream(rex))
    seen = []
    for label in ("First", "Next", "Next"):
        page = client.get(link(page, label))
        step = page.context["step"]
        seen.append((step.event.originator_version, step.state["name"]))

    assert seen == [(1, "Rex"), (2, "Max"), (3, "Bello")]
    assert link(page, "Next") is link(page, "Last") is None
    assert client.get(link(page, "Previous")).context["step"].state["name"] == "Max"


def test_at_each_version_it_is_what_the_repository_has(client, kennel, rex):
    for number in range(1, 46):
        kennel.rename(rex, f"Rex {number}")

    for version in (1, 3, 19, 20, 21, 40, 41, 48):
        dog = kennel.repository.get(rex, version=version)
        page = client.get(stream(rex), {"version": version})

        assert page.context["step"].state["name"] == dog.name
        shown = [each.event.originator_version for each in page.context["moments"]]
        assert version in shown
        assert len(shown) <= 20


def test_it_shows_what_was_recorded_until_a_time(client, rex, settings):
    settings.TIME_ZONE = "Europe/Amsterdam"
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    for version in (1, 2, 3):
        StoredEventRecord.objects.filter(originator_version=version).update(
            recorded_at=noon + timedelta(days=version)
        )

    versions = [
        client.get(stream(rex), {"at": at}).context["step"].event.originator_version
        for at in ("2026-01-03 12:59", "2026-01-03 13:00", "2026-01-04T12:00Z", "2026-01-06")
    ]
    before = client.get(stream(rex), {"at": "2026-01-03 12:59"})

    assert versions == [1, 1, 2, 3]
    assert "There were no events at that time; this is the first version." in text(before)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"version": "9"}, "There is no version 9; this is the last one."),
        ({"version": str(2**80)}, "this is the last one."),
        ({"version": "0"}, "There is no version 0."),
        ({"version": "-1"}, "There is no version 0."),
        ({"version": "<b>"}, "“<b>” is not the number of a version."),
        ({"at": "yesterday"}, "“yesterday” is not a time such as 2026-01-31 12:00."),
        ({"at": "2026-02-31 12:00"}, "“2026-02-31 12:00” is not a time such as"),
        ({"at": "9" * 40}, "is not a time such as"),
    ],
)
def test_what_is_asked_for_wrongly_is_told(client, rex, query, words):
    page = client.get(stream(rex), query)

    assert page.status_code == 200
    assert words in text(page)
    assert "<b>" not in page.content.decode()
    assert "Dog.Registered" in text(page)


def test_there_is_no_page_of_what_is_not_there(client, rex):
    for url in (
        stream(uuid4()),
        stream("Rex"),
        stream(rex, name="Nobody"),
        stream(rex, system="other"),
    ):
        assert client.get(url).status_code == 404


def test_an_event_says_what_it_has_changed(client, rex):
    page = client.get(event_page(2))

    assert 'What it changed Attribute Before After name changed "Rex" "Max"' in text(page)
    assert client.get(link(page, "All attributes, at each version")).context["at"] == ""
    assert 'name added "Rex"' in text(client.get(event_page(1)))


def test_an_event_that_changes_nothing_says_so(client, kennel):
    kennel.register("Rex", "sit")

    assert "No attribute but the time of the last change." in text(client.get(event_page(2)))


def test_an_aggregate_that_cannot_be_made_is_told_and_its_events_are_shown(client, rex):
    StoredEventRecord.objects.filter(originator_version=2).update(
        topic="tests.django.admin.kennel:Dog.Unknown"
    )

    first, second = (text(client.get(stream(rex), {"version": v})) for v in (1, 2))

    assert "The aggregate cannot be made:" not in first
    assert "The aggregate cannot be made:" in second
    assert "Dog.Unknown" in second
    assert "The aggregate cannot be made:" in text(client.get(event_page(2)))
    assert "The aggregate cannot be made:" in text(client.get(event_page(3)))


def test_a_long_stream_is_not_replayed_for_a_page(client, kennel, rex, monkeypatch):
    monkeypatch.setattr("django_eventsourcing.admin.streams.MOST_REPLAYED", 1)
    words = "The aggregate cannot be made: 2 events would have to be replayed, more than 1"

    assert words in text(client.get(event_page(3)))

    kennel.take_snapshot(rex, version=2)
    assert SnapshotRecord.objects.count() == 1
    assert 'name changed "Max" "Bello"' in text(client.get(event_page(3)))


def test_the_number_of_queries_does_not_grow_with_the_stream(client, kennel, rex):
    for number in range(40):
        kennel.rename(rex, f"Rex {number}")
    client.get(stream(rex))

    for url in (stream(rex), f"{stream(rex)}?version=25", event_page(2), event_page(43)):
        with CaptureQueriesContext(connection) as context:
            assert client.get(url).status_code == 200
        queries = [each["sql"] for each in context.captured_queries]
        assert sum("SAVEPOINT" not in sql for sql in queries) <= 12


def test_markup_is_shown_as_text(client, kennel):
    dog_id = kennel.register(SCRIPT)
    kennel.rename(dog_id, f"{SCRIPT}!")

    for url in (stream(dog_id), event_page(2)):
        page = client.get(url).content.decode()

        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "&lt;script&gt;alert(" in page


def test_a_database_that_fails_is_told(client, rex, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("the disk is <full>")

    for where in ("django_eventsourcing.streams", "django_eventsourcing.admin.streams"):
        monkeypatch.setattr(f"{where}.read_steps", fail)

    assert "The stream cannot be read: the disk is <full>" in text(client.get(stream(rex)))
    shown = text(client.get(event_page(2)))
    assert "The aggregate cannot be made: the disk is <full>" in shown
    assert '"name": "Max"' in shown
