"""Events are shown from the database that keeps them, whichever it is."""

import pytest
from django.conf import settings as configured_settings

from django_eventsourcing import get_application
from tests.django.admin.kennel import Kennel, Tally
from tests.django.admin.pages import EVENTS, LOGS, POSITIONS, ids, link, text
from tests.django.admin.records import DOG, make_events

ALIASES = [
    alias for alias in ("default", "postgres", "mariadb") if alias in configured_settings.DATABASES
]
KENNEL = {"SYSTEM": "tests.django.admin.kennel.system"}
OTHER = {"SYSTEM": "tests.django.admin.kennel.other_system"}
TOPIC = "tests.django.admin.kennel:Dog.Weighed"

pytestmark = pytest.mark.django_db(databases=ALIASES)


@pytest.fixture(params=ALIASES)
def alias(request, settings):
    """Each database in turn, with the kennel's system in it."""
    settings.EVENTSOURCING = {"default": {**KENNEL, "DATABASE": request.param}}
    return request.param


def test_pages_and_filters(client, alias):
    make_events(
        120,
        using=alias,
        number=lambda n: 1000 + n,
        topic=lambda n: TOPIC if n % 2 else "x:Y",
        application_name=lambda n: "Kennel" if n > 20 else "Tally",
    )
    query = {"topic": TOPIC, "application": "Kennel", "originator_id": str(DOG)}

    first = client.get(EVENTS)
    last = client.get(link(first, "Oldest"))

    assert ids(first) == list(range(1120, 1070, -1))
    assert ids(last) == list(range(1050, 1000, -1))
    assert ids(client.get(EVENTS, {"application": "Tally"})) == list(range(1020, 1000, -1))
    assert ids(client.get(EVENTS, {"topic": TOPIC})) == list(range(1119, 1019, -2))
    assert ids(client.get(EVENTS, query)) == list(range(1119, 1019, -2))


def test_event_log_and_positions(client, alias):
    kennel, tally = get_application(Kennel), get_application(Tally)
    tally.follow("Kennel", kennel.notification_log)
    kennel.register("Rex", "sit")
    tally.pull_and_process("Kennel")
    newest = ids(client.get(EVENTS))[0]

    event = client.get(link(client.get(EVENTS), str(newest)))
    log = client.get(link(client.get(LOGS), "Kennel"))

    assert '"trick": "sit"' in text(event)
    assert ids(log) == [newest, newest - 1]
    assert ids(client.get(link(log, "Sections"))) == [newest - 1, newest]
    assert "Tally Kennel up to date" in text(client.get(POSITIONS))


@pytest.mark.skipif(len(ALIASES) < 2, reason="needs a second database: set TEST_POSTGRES_URL")
class TestSeveralDatabases:
    """Two systems, in one database each."""

    @pytest.fixture(autouse=True)
    def systems(self, settings):
        self.second = ALIASES[1]
        settings.EVENTSOURCING = {"default": KENNEL, "other": {**OTHER, "DATABASE": self.second}}
        make_events(3)
        make_events(
            2, using=self.second, number=lambda n: n + 10, application_name="Visits", topic=TOPIC
        )

    def test_first_database_is_shown_at_first(self, client):
        response = client.get(EVENTS)

        assert ids(response) == [3, 2, 1]
        assert "From the database “default”." in text(response)

    def test_database_can_be_chosen(self, client):
        assert ids(client.get(EVENTS, {"database": self.second})) == [12, 11]

    def test_application_is_read_from_its_own_database(self, client):
        assert ids(client.get(EVENTS, {"application": "Visits"})) == [12, 11]

    def test_application_goes_before_a_database_that_it_is_not_in(self, client):
        query = {"application": "Visits", "database": "default"}

        assert ids(client.get(EVENTS, query)) == [12, 11]

    def test_links_stay_in_the_database(self, client):
        event = client.get(link(client.get(EVENTS, {"database": self.second}), "12"))

        assert "Application Visits" in text(event)
        assert "Application Visits" in text(client.get(link(event, "Previous")))

    def test_originator_is_looked_for_in_the_chosen_database(self, client):
        query = {"originator_id": str(DOG), "database": self.second}

        assert ids(client.get(EVENTS, query)) == [12, 11]

    def test_log_leads_to_events_of_its_database(self, client):
        section = client.get(f"{LOGS}other/Visits/newest/")

        assert ids(section) == [11, 12]
        assert "Application Visits" in text(client.get(link(section, "12")))

    def test_positions_say_which_database_keeps_them(self, client):
        assert "not started, 3 events behind - 3 3 - default default" in text(client.get(POSITIONS))


def test_database_that_cannot_be_read_is_told(client, monkeypatch):
    from django.db import OperationalError

    from django_eventsourcing.admin import searches

    def fail(*args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(searches, "read_page", fail)

    response = client.get(EVENTS)

    assert response.status_code == 200
    assert "The database “default” cannot be read: connection refused" in text(response)
