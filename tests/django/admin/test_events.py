"""The list of stored events: pages, filters, search, and what it costs."""

import re
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.django.admin.pages import EVENTS, LOGS, ids, link, text
from tests.django.admin.records import DOG, make_events

TOPICS = ["tests.django.admin.kennel:Dog.TrickAdded", "tests.django.admin.kennel:Dog.Weighed"]
JUNK = [
    "abc",
    "-1",
    "0",
    str(2**63),
    str(2**64),
    "9" * 1000,
    "1.5",
    "1' OR '1'='1",
    "1; DROP TABLE django_eventsourcing_storedeventrecord; --",
    "%00",
    "\0",
    "\U0001f415",
    "<script>alert(1)</script>",
    "../../etc/passwd",
]


def explain(statement):
    """Return SQLite's plan of a statement, in one line."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        return " / ".join(row[3] for row in cursor.fetchall())


def table_queries(queries):
    return [query["sql"] for query in queries if "storedeventrecord" in query["sql"]]


def test_newest_event_comes_first(client):
    make_events(3)

    assert ids(client.get(EVENTS)) == [3, 2, 1]


def test_event_is_shown_with_its_class_originator_version_and_time(client, kennel):
    dog_id = kennel.register("Rex")

    shown = text(client.get(EVENTS))

    assert re.search(rf"Kennel Dog.Registered {dog_id} 1 \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d", shown)


def test_topic_is_the_title_of_the_class(client, kennel):
    kennel.register("Rex")

    page = client.get(EVENTS).content.decode()

    assert '<span title="tests.django.admin.kennel:Dog.Registered">Dog.<wbr>Registered' in page


def test_empty_log_says_so(client):
    assert "There are no records here." in text(client.get(EVENTS))


def test_links_lead_through_all_pages_and_back(client):
    make_events(120)
    first = client.get(EVENTS)
    second = client.get(link(first, "Older"))
    third = client.get(link(second, "Older"))

    assert [*ids(first), *ids(second), *ids(third)] == list(range(120, 0, -1))
    assert link(first, "Newer") is None
    assert link(third, "Older") is None
    assert ids(client.get(link(third, "Newer"))) == ids(second)
    assert ids(client.get(link(third, "Newest"))) == ids(first)
    assert ids(client.get(link(first, "Oldest"))) == list(range(50, 0, -1))


@pytest.mark.parametrize("page", [EVENTS, f"{LOGS}default/Kennel/"])
@pytest.mark.parametrize("parameter", ["before", "after"])
@pytest.mark.parametrize("junk", JUNK)
def test_junk_as_an_id_is_told_or_brought_into_range(client, page, parameter, junk):
    make_events(2)

    with CaptureQueriesContext(connection) as queries:
        response = client.get(page, {parameter: junk})

    assert response.status_code == 200
    assert len(table_queries(queries)) <= 2
    if not re.fullmatch(r"-?\d{1,50}", junk):
        assert "is not the ID of an event, so the newest events are shown." in text(response)
        assert ids(response) == [2, 1]
    assert "<script>alert" not in response.content.decode()


@pytest.mark.parametrize("parameter", ["application", "topic", "originator_id"])
@pytest.mark.parametrize("junk", JUNK)
def test_junk_as_a_filter_lists_nothing(client, parameter, junk):
    make_events(2)

    response = client.get(EVENTS, {parameter: junk, "before": "2"})

    assert response.status_code == 200
    assert ids(response) == []
    assert "Nothing is listed: correct the filters above, or clear them." in text(response)
    assert ids(client.get(link(response, "Clear all filters"))) == [2, 1]
    assert "<script>alert" not in response.content.decode()


@pytest.mark.parametrize("junk", JUNK)
def test_junk_as_a_filter_that_there_is_not_is_passed_over(client, junk):
    make_events(2)

    assert ids(client.get(EVENTS, {"database": junk})) == [2, 1]


def test_filter_by_application(client):
    make_events(4, application_name=lambda n: "Kennel" if n % 2 else "Tally")

    response = client.get(EVENTS, {"application": "Tally"})

    assert ids(response) == [4, 2]


def test_filter_by_event_class(client):
    make_events(4, topic=lambda n: TOPICS[n % 2])

    response = client.get(EVENTS, {"topic": TOPICS[0]})

    assert ids(response) == [4, 2]


def test_filters_stay_from_page_to_page(client):
    make_events(120, topic=lambda n: TOPICS[n % 2])

    first = client.get(EVENTS, {"topic": TOPICS[0], "application": "Kennel"})
    second = client.get(link(first, "Older"))

    assert ids(second) == list(range(20, 0, -2))


def test_choices_come_from_settings_and_code(client):
    make_events(2, application_name="Forgotten", topic="forgotten:Topic")

    page = client.get(EVENTS).content.decode()
    options = re.findall(r'<option value="([^"]*)"', page)

    assert {"Kennel", "Tally", "Names"} <= set(options)
    assert "tests.django.admin.kennel:Dog.TrickAdded" in options
    assert "Forgotten" not in options
    assert "forgotten:Topic" not in options


def test_unknown_application_is_told(client):
    shown = text(client.get(EVENTS, {"application": "Kenel"}))

    assert "No configured system has an application “Kenel”." in shown


def test_unknown_event_class_is_told(client):
    shown = text(client.get(EVENTS, {"topic": "x:Y"}))

    assert "The code defines no event class “x:Y”." in shown


def test_search_by_originator(client):
    other = UUID(int=7)
    make_events(4, originator_id=lambda n: DOG if n % 2 else other)

    assert ids(client.get(EVENTS, {"originator_id": str(DOG)})) == [3, 1]
    assert ids(client.get(EVENTS, {"originator_id": f" {other.hex} "})) == [4, 2]


def test_search_that_finds_nothing_says_so(client):
    make_events(1)

    shown = text(client.get(EVENTS, {"originator_id": str(UUID(int=7))}))

    assert "No record matches these filters." in shown


def test_bad_originator_is_told(client):
    shown = text(client.get(EVENTS, {"originator_id": "4a81"}))

    assert "“originator:4a81” is not an originator's ID. Give all 32 digits of it." in shown


def test_originator_leads_to_its_stream(client, kennel):
    dog_id = kennel.register("Rex", "sit")
    kennel.register("Fido")

    response = client.get(link(client.get(EVENTS), str(dog_id)))

    assert len(ids(response)) == 2


def test_originator_of_an_unknown_application_leads_nowhere(client):
    make_events(1, application_name="Forgotten")

    response = client.get(EVENTS)

    assert str(DOG) in text(response)
    assert link(response, str(DOG)) is None


def test_rare_event_class_is_searched_in_windows(client):
    make_events(3, number=lambda n: 1 if n == 1 else 80_000 + n, topic=lambda n: TOPICS[n == 1])

    newest = client.get(EVENTS, {"topic": TOPICS[1]})
    older = client.get(link(newest, "Older"))

    assert ids(newest) == []
    assert "Only the IDs from 40004 to 80003 have been searched for this page." in text(newest)
    assert ids(older) == []
    assert ids(client.get(link(older, "Older"))) == [1]


def test_markup_in_a_record_is_shown_as_text(client):
    make_events(1, application_name="<b>x</b>", topic='m:"><script>alert(1)</script>')

    page = client.get(EVENTS).content.decode()

    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<script>alert" not in page


QUERIES = [
    {},
    {"before": "500"},
    {"after": "20"},
    {"application": "Kennel"},
    {"application": "Kennel", "before": "500"},
    {"topic": TOPICS[0], "before": "500"},
    {"originator_id": str(DOG)},
    {"originator_id": str(DOG), "application": "Kennel", "topic": TOPICS[0], "before": "500"},
]


@pytest.mark.parametrize("query", QUERIES)
def test_list_never_counts_skips_or_gathers(client, query):
    make_events(1000)

    with CaptureQueriesContext(connection) as queries:
        response = client.get(EVENTS, query)

    statements = table_queries(queries)
    assert len(ids(response)) == 50
    assert 1 <= len(statements) <= 3
    assert all("LIMIT" in statement for statement in statements)
    assert not [s for s in statements if re.search(r"COUNT|OFFSET|DISTINCT|MAX\(", s)]
    assert not [s for s in statements if re.search(r'"state"|"metadata"', s)]


@pytest.mark.parametrize("query", QUERIES)
def test_number_of_queries_does_not_depend_on_the_number_of_rows(client, query):
    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(EVENTS, query)
        return len(queries)

    make_events(600)
    few = count()
    make_events(2000, number=lambda n: 600 + n, originator_version=lambda n: 600 + n)

    assert count() == few


@pytest.mark.parametrize("query", QUERIES)
def test_rows_are_found_by_an_index(client, query):
    make_events(1000)

    with CaptureQueriesContext(connection) as queries:
        client.get(EVENTS, query)

    for statement in table_queries(queries):
        plan = explain(statement)
        assert "INDEX" in plan or "PRIMARY KEY" in plan or "WHERE" not in statement
        # Sorting is for the few events of one originator; others come in the order of ids.
        assert "TEMP B-TREE" not in plan or "originator_id" in query


def test_faulty_settings_are_told(client, settings):
    settings.EVENTSOURCING = {"default": {"SYTEM": "x.y"}}

    response = client.get(EVENTS)

    assert response.status_code == 200
    assert "SYTEM" in text(response)


def test_missing_settings_leave_the_list_readable(client, settings):
    settings.EVENTSOURCING = {}
    make_events(2)

    assert ids(client.get(EVENTS)) == [2, 1]
