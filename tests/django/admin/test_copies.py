"""Copies of an event, on its page."""

import json

import pytest
from django.test import Client

from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.stream_tests import stream_test
from tests.django.admin.pages import EVENTS, link, text
from tests.django.commands.calls import call, data_of

LABEL = "Make the test: this reads the stream"


def page_of(client, version, **query):
    pk = StoredEventRecord.objects.get(originator_version=version).pk
    return client.get(f"{EVENTS}{pk}/change/", query)


def copies(response):
    return {copy.id: copy for copy in response.context["copies"]}


@pytest.fixture
def rex(kennel):
    return kennel.register("Rex <b>", "sit")


def test_as_json_it_is_what_es_events_prints(client, rex):
    *_, printed = data_of("es_events", "Kennel")[1]["events"]

    copied = copies(page_of(client, 2))["json"].text

    assert json.loads(copied) == printed
    assert "\n" not in copied
    assert f"JSON {copied}" in text(page_of(client, 2))


def test_as_python_it_makes_the_event(client, kennel, rex):
    copied = copies(page_of(client, 1))["python"].text

    *imports, expression = copied.split("\n\n")
    names = {}
    exec("\n".join(imports), names)
    made = eval(expression, names)

    [event] = kennel.events.get(rex, lte=1)
    assert made == event
    assert made.name == "Rex <b>"


def test_the_test_is_made_when_it_is_asked_for(client, kennel, rex):
    page = page_of(client, 2)
    assert copies(page)["pytest"].text == ""

    page = client.get(link(page, LABEL).partition("#")[0])

    assert copies(page)["pytest"].text == stream_test(kennel, rex, 2)
    assert "from django_eventsourcing.replaying import replay" in text(page)
    assert "Rex <b>" not in page.content.decode()


def test_the_command_prints_the_same(kennel, rex):
    code, printed = call("es_aggregate", "Kennel", str(rex), "--version=1", "--pytest")

    assert code == 0
    assert printed == stream_test(kennel, rex, 1)


def test_the_command_says_what_it_cannot_do(kennel, rex):
    code, printed = call("es_aggregate", "Kennel", str(rex), "--pytest", "--json")
    assert code == 2
    assert (
        "--pytest prints a file, and goes with neither --json nor --diff.  HINT: Leave" in printed
    )

    code, printed = call("es_aggregate", "Kennel", str(rex), "--version=7", "--pytest")
    assert code == 1
    assert f"{rex} has no version 7; its last is 2." in printed

    StoredEventRecord.objects.update(state=b"{")
    code, printed = call("es_aggregate", "Kennel", str(rex), "--pytest")
    assert code == 1
    assert f"The events of {rex} cannot be replayed: MapperDeserialisationError" in printed
    assert "HINT: 'manage.py es_verify --only aggregates' looks for what is wrong." in printed


def test_without_the_permission_only_the_id_is_copied(outsider, rex):
    client = Client()
    client.force_login(outsider)

    page = page_of(client, 2, copy="pytest")

    assert list(copies(page)) == ["id"]
    assert "Rex" not in page.content.decode()


def test_what_cannot_be_read_is_told(client, rex):
    StoredEventRecord.objects.filter(originator_version=2).update(state=b"{")

    page = page_of(client, 2, copy="pytest")

    assert "MapperDeserialisationError: The event with topic" in copies(page)["python"].problem
    assert "StreamTestError: The events of" in copies(page)["pytest"].problem


def test_where_the_project_redacts_nothing_of_it_is_copied(kennel, rex, rf, viewer, settings):
    from django.contrib import admin

    from tests.django.admin.test_hooks import OwnAdmin

    pk = StoredEventRecord.objects.get(originator_version=1).pk
    request = rf.get("/", {"copy": "pytest"})
    request.user = viewer

    page = OwnAdmin(StoredEventRecord, admin.site).change_view(request, str(pk))

    found = {copy.id: copy for copy in page.context_data["copies"]}
    assert json.loads(found["json"].text)["values"]["name"] == "***"
    assert found["python"].text == found["pytest"].text == ""
    assert "shown otherwise than it is stored" in found["python"].problem
    assert "shown otherwise than they are" in found["pytest"].problem
