"""Languages: what commands and monitors say is English, whatever the language of the project."""

import re

import pytest
from django.utils import translation

from tests.databases import on
from tests.django.commands.calls import call
from tests.django.status.rows import add_tricks, held, parked, told

COMMANDS = [
    ["es_status"],
    ["es_status", "--json"],
    ["es_health"],
    ["es_health", "--json"],
    ["es_deadletters"],
    ["es_deadletters", "Nobody"],
    ["es_pause", "Counters"],
    ["es_pause", "Counters", "--reason=prices"],
    ["es_resume", "Counters"],
    ["es_retry", "Counters", "--dry-run"],
    ["es_skip", "Counters", "--reason=a joke", "--notification=99"],
    ["es_events", "DogSchool"],
    ["es_events", "DogSchool", "--at=yesterday"],
    ["es_trace", "DogSchool:1"],
    ["es_aggregate", "DogSchool", "{dog}"],
    ["es_aggregate", "DogSchool", "nobody"],
    ["es_segments", "Counters"],
    ["es_reset", "Counters", "DogSchool", "--to=0", "--reason=a joke", "--noinput"],
    ["es_verify"],
]


@pytest.fixture
def rows(configured, database):
    """A follower that is behind, and one that has stopped; return the id of a dog."""
    configured()
    dog = add_tricks("sit", "roll")
    held(database)
    parked(database, 1, "Counters")
    told(database, "Tally", state="failed", error="ValueError: no")
    return str(dog)


@pytest.fixture
def german(settings):
    settings.LANGUAGE_CODE = "de"
    with translation.override("de"):
        yield


def said(arguments, dog):
    code, text = call(*(each.format(dog=dog) for each in arguments))
    return code, without_numbers(text)


def without_numbers(text):
    return re.sub(r"\d[\d.,:TZ-]*", "0", text)


@on("default")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_commands_say_the_same_in_a_german_project(rows, arguments):
    # Some say something else once they have done what they do.
    call(*(each.format(dog=rows) for each in arguments))
    english = said(arguments, rows)

    with translation.override("de"):
        assert said(arguments, rows) == english


@on("default")
def test_verdicts_are_english_in_a_german_project(rows, german):
    _, text = call("es_status")

    assert "Counters is 3 behind and catching up; 1 notification is set aside" in text
    assert "Tally has failed: ValueError: no" in text


@on("default")
@pytest.mark.urls("tests.django.views.urls")
def test_monitors_are_told_in_english_in_a_german_project(rows, german, client, settings):
    settings.EVENTSOURCING_TOKEN = "a-token-for-tests-only"
    headers = {"Authorization": f"Bearer {settings.EVENTSOURCING_TOKEN}"}

    health = client.get("/eventsourcing/health/", headers=headers).json()
    metrics = client.get("/eventsourcing/metrics/", headers=headers).content.decode()

    assert {each["words"] for each in health["data"]["findings"]} == {
        "Counters is 3 behind and catching up; 1 notification is set aside",
        "Tally has failed: ValueError: no",
    }
    assert 'verdict="lagging"} 1' in metrics
