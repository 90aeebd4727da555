"""The notification log of one application as a list: pages, filters, and what it costs."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as configured_settings
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from django_eventsourcing import get_application
from django_eventsourcing.admin.elsewhere import read_elsewhere
from django_eventsourcing.admin.paging import Cursor
from tests.django.admin.kennel import Kennel
from tests.django.admin.pages import EVENTS, LOGS, ids, link, text
from tests.django.admin.records import make_events
from tests.django.admin.test_events import JUNK, TOPICS, table_queries

KENNEL = f"{LOGS}default/Kennel/"
START = datetime(2026, 1, 31, 12, tzinfo=UTC)
STATE = b'{"trick":"sit","timestamp":null}'
ALIASES = [
    alias for alias in ("default", "postgres", "mariadb") if alias in configured_settings.DATABASES
]


def test_log_is_listed_with_what_its_events_say(client, kennel):
    dog_id = kennel.register("<script>alert(1)</script>")

    response = client.get(KENNEL)

    page = response.content.decode()
    assert '"name": "<script>alert(1)</script>"' in html.unescape(page)
    assert "<script>alert" not in page
    assert re.search(rf"{dog_id} 1 \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d", text(response))


def test_links_lead_through_the_log_of_the_application_alone(client):
    make_events(120, application_name=lambda n: "Kennel" if n % 2 else "Tally", state=STATE)

    first = client.get(KENNEL)
    second = client.get(link(first, "Older"))

    assert [*ids(first), *ids(second)] == list(range(119, 20, -2))
    assert ids(client.get(link(second, "Newer"))) == ids(first)
    assert ids(client.get(link(first, "Oldest"))) == list(range(49, 0, -2))
    assert ids(client.get(link(second, "Newest"))) == ids(first)


def test_filter_by_event_class(client):
    make_events(60, topic=lambda n: TOPICS[n % 2], state=STATE)

    first = client.get(KENNEL, {"topic": TOPICS[0]})

    assert ids(first) == list(range(60, 10, -2))
    assert ids(client.get(link(first, "Older"))) == list(range(10, 0, -2))


def test_rows_lead_to_the_event_and_to_its_stream(client, kennel):
    dog_id = kennel.register("Rex", "sit")
    kennel.register("Fido")

    log = client.get(KENNEL)

    assert link(log, "2").startswith(f"{EVENTS}2/change/")
    assert ids(client.get(link(log, str(dog_id)))) == [2, 1]


def test_an_unreadable_event_does_not_hide_the_others(client):
    make_events(2, state=lambda n: b"{" if n == 1 else STATE)

    shown = text(client.get(KENNEL))

    assert "Unreadable the payload of 1 The payload cannot be read." in shown
    assert '"trick": "sit"' in shown


def test_a_log_without_events_says_so(client):
    assert "There are no records here." in text(client.get(KENNEL))


@pytest.mark.parametrize("path", ["default/Nobody/", "nowhere/Kennel/"])
def test_unknown_application_is_not_found(client, path):
    assert client.get(f"{LOGS}{path}").status_code == 404


@pytest.mark.parametrize("who", ["viewer", "outsider"])
@pytest.mark.parametrize(
    "query", [{}, {"before": "300"}, {"topic": TOPICS[1]}, {"at": "2026-02-01"}]
)
def test_pages_take_few_queries_however_long_the_log_is(client, request, who, query):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            response = client.get(KENNEL, query)
        assert response.status_code == 200
        statements = table_queries(queries)
        assert not [s for s in statements if re.search(r"COUNT|OFFSET|DISTINCT|MAX\(", s)]
        assert all("LIMIT" in statement for statement in statements)
        return len([q for q in queries if "SAVEPOINT" not in q["sql"]])

    client.force_login(request.getfixturevalue(who))
    times = {"recorded_at": lambda n: START + timedelta(minutes=n), "state": STATE}
    make_events(800, topic=lambda n: TOPICS[n % 2], **times)
    few = asked()
    make_events(1000, number=lambda n: 800 + n, originator_version=lambda n: 800 + n, **times)

    # A time may take one look more in a longer log.
    assert few <= asked() <= few + ("at" in query) <= 12


def test_states_are_not_read_for_those_who_may_not_see_them(client, outsider):
    client.force_login(outsider)
    make_events(2, state=STATE)

    with CaptureQueriesContext(connection) as queries:
        client.get(KENNEL)

    assert not [s for s in table_queries(queries) if re.search(r'"state"|"metadata"', s)]


class TestGoingTo:
    """An id or a time, in the list of stored events and in the log."""

    pytestmark = pytest.mark.parametrize("page", [EVENTS, KENNEL])

    @pytest.fixture(autouse=True)
    def events(self, db):
        make_events(
            300,
            number=lambda n: 10 * n,
            recorded_at=lambda n: START + timedelta(minutes=n),
            state=STATE,
        )

    def test_id(self, client, page):
        response = client.get(page, {"at": "500"})

        assert ids(response)[:2] == [500, 490]
        assert '<tr class="es-shown" aria-current="true">' in response.content.decode()
        assert 'value="500"' in response.content.decode()
        assert ids(client.get(link(response, "Newer")))[-1] == 510
        assert ids(response)[-1] == (260 if page == KENNEL else 10)

    def test_id_that_is_not_there(self, client, page):
        response = client.get(page, {"at": "505"})

        assert ids(response)[0] == 500
        assert "505 is not in this list; it begins with the next older one." in text(response)
        assert "es-shown" not in response.content.decode()

    @pytest.mark.parametrize("asked", ["2026-01-31 14:00", "2026-01-31T13:59:00.5+00:00"])
    def test_time(self, client, page, asked):
        response = client.get(page, {"at": asked})

        assert ids(response)[0] == 1200
        assert (
            f"Event 1200 is the first that was recorded at {asked} or later; the list begins there."
            in text(response)
        )

    def test_time_before_the_first(self, client, page):
        assert ids(client.get(page, {"at": "2025-01-01"})) == [10]

    def test_time_after_the_last(self, client, page):
        response = client.get(page, {"at": "2027-01-01"})

        assert ids(response)[0] == 3000
        assert "No event was recorded at 2027-01-01 or later: these are the newest." in text(
            response
        )

    def test_under_filters_the_list_begins_no_later(self, client, page):
        response = client.get(page, {"at": "2026-01-31 14:00", "q": "id:700"})

        assert ids(response) == [700]

    @pytest.mark.parametrize("junk", [j for j in JUNK if not re.fullmatch(r"-?\d{1,30}", j)])
    def test_junk_is_told_and_nothing_is_listed(self, client, page, junk):
        response = client.get(page, {"at": junk})

        assert response.status_code == 200
        assert ids(response) == []
        assert "Nothing is listed: correct the filters above, or clear them." in text(response)
        assert "<script>alert" not in response.content.decode()

    def test_what_is_no_time_is_told(self, client, page):
        assert "“soon” is neither an ID nor a time such as 2026-01-31 12:00." in text(
            client.get(page, {"at": "soon"})
        )

    @pytest.mark.parametrize("edge", ["-1", "0", str(2**63), str(2**64)])
    def test_ids_beyond_the_log_are_brought_into_range(self, client, page, edge):
        response = client.get(page, {"at": edge})

        assert response.status_code == 200
        assert ids(response)[:1] == ([3000] if len(edge) > 2 else [])


@pytest.mark.django_db(databases=ALIASES)
@pytest.mark.parametrize("alias", ALIASES)
def test_a_date_is_found_on_each_database(client, settings, alias):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.admin.kennel.system", "DATABASE": alias}
    }
    make_events(60, using=alias, recorded_at=lambda n: START + timedelta(minutes=n), state=STATE)

    with CaptureQueriesContext(connections[alias]) as queries:
        response = client.get(KENNEL, {"at": "2026-01-31 12:30"})

    assert ids(response)[:2] == [30, 29]
    assert len([q for q in queries if "storedeventrecord" in q["sql"]]) <= 6


class TestInMemory:
    """A log that is kept elsewhere."""

    @pytest.fixture(autouse=True)
    def dog_id(self, settings, db):
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": "tests.django.admin.kennel.system",
                "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
            }
        }
        return get_application(Kennel).register("Rex", *map(str, range(59)))

    def test_links_lead_through_the_log(self, client):
        first = client.get(KENNEL)
        second = client.get(link(first, "Older"))

        assert [*ids(first), *ids(second)] == list(range(60, 10, -1))
        assert '"trick": "58"' in text(first)
        assert ids(client.get(link(second, "Newer"))) == ids(first)
        assert ids(client.get(link(first, "Oldest"))) == list(range(25, 0, -1))

    def test_searches_and_filters(self, client, dog_id):
        assert ids(client.get(KENNEL, {"q": "topic:Registered"})) == [1]
        assert ids(client.get(KENNEL, {"q": f"originator:{dog_id} id:7"})) == [7]
        assert ids(client.get(KENNEL, {"q": "id:7 topic:Registered"})) == []
        assert ids(client.get(KENNEL, {"q": '"\\"58\\""'})) == []
        assert ids(client.get(KENNEL, {"q": "Rex"})) == [1]
        assert ids(client.get(KENNEL, {"topic": TOPICS[1]})) == []
        assert ids(client.get(KENNEL, {"at": "7"}))[0] == 7

    @pytest.mark.parametrize("name", ["user", "correlation"])
    def test_what_is_not_kept_is_told(self, client, name):
        assert f"“{name}:ann”: there is no qualifier “{name}”. There are id:," in text(
            client.get(KENNEL, {"q": f"{name}:ann"})
        )

    def test_times_are_not_kept(self, client):
        assert "“2026-01-31” is not an ID." in text(client.get(KENNEL, {"at": "2026-01-31"}))

    @pytest.mark.parametrize("window", [1, 7, 60, 1000])
    @pytest.mark.parametrize("way", ["older", "newer"])
    def test_windows_find_every_match(self, window, way):
        cursor = Cursor() if way == "older" else Cursor(after=0)
        found = []
        while cursor is not None:
            page = read_elsewhere(
                get_application(Kennel).recorder,
                cursor,
                lambda each: each.id % 6 == 0,
                size=3,
                window=window,
            )
            assert len(page.rows) <= 3
            found += [each.id for each in (page.rows if way == "older" else page.rows[::-1])]
            cursor = getattr(page, way)

        assert sorted(found, reverse=way == "older") == found
        assert sorted(found) == list(range(6, 61, 6))
