"""What is looked for in a log: by qualifiers, by a text, and what is told of a faulty search."""

from contextlib import suppress
from uuid import UUID

import pytest
from django.conf import settings as configured_settings
from django.db import connections
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from django_eventsourcing.admin import searches
from django_eventsourcing.admin.searches import QUALIFIERS, TEXT, Rules, read_search, term
from django_eventsourcing.querysets import StoredEventQuerySet
from tests.django.admin.pages import EVENTS, LOGS, SNAPSHOTS, TRACE, ids, link, text
from tests.django.admin.records import DOG, make_events
from tests.django.admin.test_events import JUNK, TOPICS

KENNEL = f"{LOGS}default/Kennel/"
OTHER = UUID(int=7)
RULES = Rules(known=(*QUALIFIERS, TEXT), originator_id=str)
ALIASES = [
    alias for alias in ("default", "postgres", "mariadb") if alias in configured_settings.DATABASES
]
JUNK_IN = [
    pytest.param("", marks=pytest.mark.long_elsewhere("postgres")),
    pytest.param("id", marks=pytest.mark.long_elsewhere("default")),
    pytest.param("originator", marks=pytest.mark.long_elsewhere("mariadb")),
    pytest.param("topic", marks=pytest.mark.long_elsewhere("mariadb")),
    pytest.param("correlation", marks=pytest.mark.long_elsewhere("postgres")),
    pytest.param("user", marks=pytest.mark.long_elsewhere("postgres")),
]
"""The text without a qualifier, and each qualifier, with the database on which each run does."""
USERS = {1: "ann", 2: "Ann Lee", 3: 7, 4: "7"}


@pytest.fixture(params=ALIASES)
def alias(request, settings):
    """Each database in turn, with six events of two dogs."""
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.admin.kennel.system", "DATABASE": request.param}
    }
    make_events(
        6,
        using=request.param,
        originator_id=lambda n: DOG if n < 4 else OTHER,
        topic=lambda n: TOPICS[n % 2] if n < 6 else "gone:Cat.Named",
        state=lambda n: (
            b'{"trick":"\xc3\x9crsel %d","timestamp":null}' % n if n != 5 else b"x 1 sel"
        ),
        metadata=lambda n: {
            "correlation_id": "a" if n % 2 else "A b",
            **({"user": USERS[n]} if n in USERS else {}),
        },
    )
    return request.param


FOUND = {
    "id:3": [3],
    "ID:3": [3],
    "id:3 id:4": [],
    f"originator:{DOG}": [3, 2, 1],
    f"originator:{DOG.hex} id:2": [2],
    f"originator:{DOG} originator:{OTHER}": [],
    "topic:TrickAdded": [4, 2],
    "topic:Dog.TrickAdded": [4, 2],
    f"topic:{TOPICS[1]}": [5, 3, 1],
    "topic:gone:Cat.Named": [6],
    "topic:TrickAdded topic:Weighed": [],
    "correlation:a": [5, 3, 1],
    'correlation:"A b"': [6, 4, 2],
    "correlation:A": [],
    "correlation:a topic:Weighed id:5": [5],
    f"correlation:a originator:{DOG}": [3, 1],
    "user:ann": [1],
    'user:"Ann Lee"': [2],
    "user:7": [4, 3],
    "user:7 topic:Weighed": [3],
    "user:7 correlation:a": [3],
    "Cat.Named": [6],
    "Ürsel": [6, 4, 3, 2, 1],
    '"Ürsel 4"': [4],
    "Ürsel 4": [4],
    "sel": [6, 4, 3, 2, 1],
    "% _": [],
    "": [6, 5, 4, 3, 2, 1],
}


@pytest.mark.django_db(databases=ALIASES)
class TestFinding:
    @pytest.mark.parametrize(
        "page", [pytest.param(EVENTS, marks=pytest.mark.long_elsewhere("postgres")), KENNEL]
    )
    def test_what_holds_of_an_event_is_found_on_each_database(self, client, alias, page):
        found = {q: ids(client.get(page, {"q": q})) for q in FOUND}

        assert found == FOUND

    def test_without_the_index_a_correlation_is_searched(self, client, alias, monkeypatch):
        monkeypatch.setattr(StoredEventQuerySet, "has_correlation_index", lambda events: False)
        monkeypatch.setattr(searches, "FINE_WINDOW", 2)

        newest = client.get(KENNEL, {"q": "correlation:a"})

        assert ids(newest) == [5]
        assert "Only the IDs from 5 to 6 have been searched for this page." in text(newest)
        assert ids(client.get(link(newest, "Older"))) == [3]

    @pytest.mark.parametrize("q", ["user:ann", "Cat.Named"])
    def test_what_has_no_index_is_searched_in_windows(self, client, alias, q, monkeypatch):
        monkeypatch.setattr(searches, "FINE_WINDOW", 2)

        newest = client.get(EVENTS, {"q": q})

        assert "Only the IDs from 5 to 6 have been searched for this page." in text(newest)
        assert link(newest, "Older")


@pytest.mark.django_db(databases=ALIASES)
@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", JUNK_IN)
def test_junk_is_told_or_finds_nothing_in_few_queries(client, alias, name, junk):
    found = []
    for page in (EVENTS, KENNEL):
        for value in (junk, f'"{junk}"'):
            q = f"{name}:{value}" if name else value
            with CaptureQueriesContext(connections[alias]) as queries:
                response = client.get(page, {"q": q})
            assert response.status_code == 200
            assert len([q for q in queries if "storedeventrecord" in q["sql"]]) <= 4
            assert "<script>alert" not in response.content.decode()
            if "Nothing is listed" not in text(response):
                found += ids(response)

    # Some of it is a text like another.
    assert not found or (name == "" and junk in ("abc", "0", "-1", "1.5"))


def test_junk_is_looked_for_by_each_qualifier():
    assert [name.values for name in JUNK_IN] == [("",), *((name,) for name in QUALIFIERS)]


@pytest.mark.parametrize(
    ("q", "message"),
    [
        (
            "colour:red",
            "“colour:red”: there is no qualifier “colour”. There are id:, originator:, topic:,",
        ),
        ("a:b", "correlation:, user:. A text with a colon needs quotes around it."),
        (":red", "“::red”: there is no qualifier “:”."),
        ("id:x", "“id:x” is not the ID of a record. Give a number, such as id:17."),
        ("id:", "“id:” has no value. Give one behind the colon, such as id:17."),
        ('""', '“""” has no value.'),
        (
            "originator:4a81",
            "“originator:4a81” is not an originator's ID. Give all 32 digits of it.",
        ),
        (
            "topic:Registred",
            "“topic:Registred”: the code defines no event class of this name. Give the name of a",
        ),
        ('user:"ann', '“user:"ann”: a quote is not closed, or stands within a word.'),
        ("\x1b[31m:x", "“\\u001b[31m:x”: there is no qualifier “\\u001b[31m”."),
        ("x" * 501, "Ensure this value has at most 500 characters"),
    ],
)
@pytest.mark.parametrize("page", [EVENTS, KENNEL])
def test_faults_are_told_and_nothing_is_listed(client, page, q, message):
    make_events(2)

    response = client.get(page, {"q": q})

    assert message in text(response)
    assert ids(response) == []
    assert "Nothing is listed: correct the filters above, or clear them." in text(response)


def test_snapshots_are_searched_by_id_and_originator(client, kennel):
    dog_id = kennel.register("Rex")
    kennel.take_snapshot(dog_id)

    assert len(ids(client.get(SNAPSHOTS, {"q": f"originator:{dog_id}"}))) == 1
    assert "“Rex”: say what that is by one of id:, originator:." in text(
        client.get(SNAPSHOTS, {"q": "Rex"})
    )
    assert "There are id:, originator:." in text(client.get(SNAPSHOTS, {"q": "user:ann"}))
    assert "“2026-01-31” is not an ID." in text(client.get(SNAPSHOTS, {"at": "2026-01-31"}))


def test_originator_of_a_link_is_shown_in_the_search(client):
    make_events(1)

    response = client.get(EVENTS, {"originator_id": str(DOG), "q": "id:1"})

    assert f'value="originator:{DOG} id:1"' in response.content.decode()
    assert ids(response) == [1]


def test_search_stays_from_page_to_page(client):
    make_events(120, metadata=lambda n: {"user": "Ann Lee" if n % 2 else "bob"})

    first = client.get(EVENTS, {"q": 'user:"Ann Lee"'})

    assert ids(client.get(link(first, "Older"))) == list(range(19, 0, -2))


@pytest.mark.parametrize("page", [EVENTS, KENNEL])
def test_search_by_correlation_leads_to_the_trace(client, page):
    make_events(1, metadata={"correlation_id": "a/b"})

    response = client.get(page, {"q": "correlation:a/b"})

    assert link(response, "Trace of a/b") == f"{TRACE}?id=a%2Fb"


def test_event_leads_to_all_of_its_correlation_and_of_its_user(client):
    make_events(4, metadata=lambda n: {"correlation_id": 'a "b\\', "user": n % 2})

    event = client.get(f"{EVENTS}3/change/")

    assert ids(client.get(link(event, "Search by this: Correlation"))) == [4, 3, 2, 1]
    assert ids(client.get(link(event, "Search by this: User"))) == [3, 1]


VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(correlations=st.lists(VALUES, max_size=3), users=st.lists(VALUES, max_size=3))
def test_what_is_written_is_read_as_it_was(correlations, users):
    parts = [term("correlation", each) for each in correlations]
    parts += [term("user", each) for each in users]

    search = read_search(" ".join(parts), RULES)

    assert (search.correlations, search.users) == (correlations, users)


@given(st.text(max_size=60))
def test_whatever_is_written_is_read_or_told(q):
    with suppress(searches.SearchError):
        assert read_search(q, RULES) == read_search(f" {q} ", RULES)
