"""The trace in the admin: a tree of what came of one request, and the cause and effects of an event."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_eventsourcing import get_application
from django_eventsourcing.metadata import event_metadata
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.registry import reset
from tests.core.school import DogSchool
from tests.django.admin.pages import EVENTS, TRACE, link, text
from tests.django.admin.records import make_events
from tests.django.own_models.models import LetterEvent
from tests.django.own_models.school import values

SCRIPT = "<script>alert('x')</script>"


def linked(count=3, correlation="request 7"):
    """Make events of one correlation, each of which follows from the one before."""
    make_events(
        count,
        metadata=lambda n: (
            {"correlation_id": correlation} | ({"causation_id": f"Kennel:{n - 1}"} if n > 1 else {})
        ),
    )


def levels(response):
    return re.findall(
        r"Level (\d+): *</span><a href=\"[^\"]*\">([^<]*)<", response.content.decode()
    )


def test_each_event_is_below_its_cause(client):
    linked()

    response = client.get(TRACE, {"id": "request 7"})

    assert levels(response) == [("1", "Kennel:1"), ("2", "Kennel:2"), ("3", "Kennel:3")]
    assert "Trace of request 7" in response.content.decode()
    assert "Kennel:1 Dog.TrickAdded +0.000 s" in text(response)
    assert 'class="es-depth-2"' in response.content.decode()


def test_events_are_linked_to_their_pages_and_streams(client):
    linked(1)

    response = client.get(TRACE, {"id": "request 7"})

    assert client.get(link(response, "Kennel:1")).status_code == 200
    assert f"{EVENTS}stream/default/Kennel/" in response.content.decode()


def test_an_event_leads_to_its_trace_and_is_marked(client):
    linked()

    body = client.get(TRACE, {"id": "Kennel:2"}).content.decode()

    assert body.count('aria-current="true"') == 1
    assert "Trace of request 7" in body


def test_the_page_of_an_event_leads_to_its_cause_and_its_effects(client):
    linked()

    response = client.get(f"{EVENTS}2/change/")

    shown = text(response)
    assert (
        "Caused by Kennel:1 Dog.TrickAdded Causes Kennel:3 Dog.TrickAdded The whole trace" in shown
    )
    assert link(response, "The whole trace") == f"{TRACE}?id=Kennel%3A2"
    assert link(response, "request 7") == f"{TRACE}?id=request+7"


def test_an_event_without_a_trace_has_no_such_block(client):
    make_events(1)

    assert "Cause and effects" not in text(client.get(f"{EVENTS}1/change/"))


def test_many_effects_are_not_all_named(client):
    make_events(
        30,
        metadata=lambda n: (
            {"correlation_id": "Kennel:1", "causation_id": "Kennel:1"} if n > 1 else {}
        ),
    )

    shown = text(client.get(f"{EVENTS}1/change/")).partition("Cause and effects")[2]

    assert shown.count("Kennel:") == 20
    assert "perhaps more: see the trace" in shown


@pytest.mark.parametrize(
    "asked", ["nothing", "Kennel:9223372036854775808", "Kennel:-1", "' OR 1=1 --", "\0", SCRIPT]
)
def test_what_is_not_there_is_told_and_does_no_harm(client, asked):
    linked(1)

    response = client.get(TRACE, {"id": asked})

    assert response.status_code == 200
    assert "No event has been recorded with this correlation." in text(response)
    assert SCRIPT not in response.content.decode()


def test_without_a_question_there_is_only_the_form(client, db):
    response = client.get(TRACE)

    assert response.status_code == 200
    assert "No event" not in text(response)


def test_what_events_say_is_text(client):
    make_events(
        1,
        topic=f"a:{SCRIPT}",
        metadata={"correlation_id": SCRIPT, "causation_id": f"{SCRIPT}:1\u202e"},
    )

    body = client.get(TRACE, {"id": SCRIPT}).content.decode()

    assert SCRIPT not in body
    assert "\u202e" not in body
    assert "which is not here." in body


def test_a_trace_of_many_events_is_cut_and_says_so(client):
    linked(1_001)

    response = client.get(TRACE, {"id": "request 7"})

    assert len(levels(response)) == 1_000
    assert "There are more events; the first 1000 are shown." in text(response).replace(",", "")


@pytest.mark.parametrize("page", [f"{TRACE}?id=request+7", f"{EVENTS}2/change/"])
def test_pages_take_few_queries(client, page):
    linked()
    client.get(page)

    with CaptureQueriesContext(connection) as queries:
        client.get(page)

    statements = [q["sql"] for q in queries if "SAVEPOINT" not in q["sql"]]
    assert len(statements) <= 13, statements
    read = [sql for sql in statements if f'FROM "{StoredEventRecord._meta.db_table}"' in sql]
    # The page of an event is found by its id alone.
    assert all(
        '"application_name" ' in sql.partition("WHERE")[2] for sql in read if "= 2 " not in sql
    )


def test_events_that_the_user_may_not_view_are_left_out(db, settings):
    settings.EVENTSOURCING = {"default": values()}
    with event_metadata(correlation_id="one"):
        get_application(DogSchool).register_dog("Fido")
    user = User.objects.create_user("ann", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_storedeventrecord"))
    client = Client()
    client.force_login(user)

    shown = text(client.get(TRACE, {"id": "one"}))
    user.user_permissions.add(Permission.objects.get(codename="view_dogevent"))
    later = client.get(TRACE, {"id": "one"})

    reset()
    assert "No event has been recorded with this correlation." in shown
    assert "Events of DogSchool are left out: you may not view them." in shown
    assert levels(later) == [("1", "DogSchool:1")]
    assert "left out" not in text(later)


def test_a_table_without_the_index_is_searched_in_part_and_that_is_told(client, settings):
    settings.EVENTSOURCING = {
        "default": values(
            APPLICATIONS={"DogSchool": {"MODELS": {"EVENT": LetterEvent._meta.label}}}
        )
    }
    User.objects.filter(username="viewer").update(is_superuser=True)

    shown = text(client.get(TRACE, {"id": "one"}))

    reset()
    assert "IDs of DogSchool have been searched: there is no index of correlations." in shown
