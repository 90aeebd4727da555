"""The page of health: words, and a status code that says whether all is well."""

import json

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tests.databases import on
from tests.django.commands.test_es_status import caught_up, caught_up_at_first
from tests.django.status.rows import add_tricks, told

TOKEN = "a-token-for-tests-only"
pytestmark = [pytest.mark.urls("tests.django.views.urls"), pytest.mark.long_elsewhere("default")]


@pytest.fixture(autouse=True)
def token(settings):
    settings.EVENTSOURCING_TOKEN = TOKEN


def health(client, query=""):
    response = client.get(
        f"/eventsourcing/health/{query}", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    return response.status_code, response.json()


def test_all_is_well(client, configured, database):
    configured()
    add_tricks("sit")
    caught_up(database)

    status, made = health(client)

    assert status == 200
    assert made.pop("generated_at").endswith("Z")
    assert made == {
        "schema": "django_eventsourcing.health",
        "version": 1,
        "data": {
            "severity": "ok",
            "error": "",
            "findings": [
                {
                    "severity": "ok",
                    "system": "default",
                    "follower": name,
                    "verdict": "caught up",
                    "words": f"{name} is caught up",
                }
                for name in ("Counters", "Tally")
            ],
        },
    }


def test_what_is_stuck_is_503_in_words(client, configured):
    configured()
    add_tricks("sit", "stay")

    status, made = health(client)

    assert status == 503
    assert made["data"]["severity"] == "critical"
    assert made["data"]["findings"][0]["words"] == (
        "Counters is stuck: 3 events are pending and no worker holds it"
    )


def test_a_warning_is_503_where_that_is_asked_for(client, configured, database):
    configured()
    add_tricks("sit")
    caught_up(database)
    told(database, desired_state="paused", desired_reason="prices, Ann")

    assert health(client)[0] == 200
    assert health(client, "?fail=critical")[0] == 200
    status, made = health(client, "?fail=warning")
    assert status == 503
    assert made["data"]["severity"] == "warning"


def test_limits_are_those_of_the_query(client, configured, database):
    configured()
    caught_up_at_first(database)

    assert health(client, "?max_lag=2&fail=warning")[0] == 200
    assert health(client, "?max_lag=1&fail=warning")[0] == 503
    assert health(client, "?max_age=500&fail=warning")[0] == 200


@pytest.mark.parametrize("query", ["?max_lag=x", "?max_age=-1", "?max_lag=", "?fail=never"])
def test_a_query_that_is_not_understood_is_told(client, configured, query):
    configured()

    assert health(client, query) == (
        400,
        {"error": "max_lag and max_age are numbers from 0; fail is 'critical' or 'warning'."},
    )


@pytest.mark.django_db
def test_a_fault_in_the_settings_is_503_in_words(client, settings):
    settings.EVENTSOURCING = {"default": {"SYTEM": "tests.django.schools.system"}}

    status, made = health(client)

    assert status == 503
    assert made["data"]["error"].startswith("EVENTSOURCING['default'] has the unknown key 'SYTEM'.")


def test_a_database_that_fails_is_503_in_words_also_under_atomic_requests(
    client, configured, database
):
    configured()
    connection = connections[database]
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        with connection.execute_wrapper(missing):
            status, made = health(client)
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False

    assert status == 503
    words = made["data"]["findings"][0]["words"]
    assert words.startswith("Counters cannot be looked at: Database ")
    assert "no_such_table" in words


def missing(execute, sql, params, many, context):
    assert not context["connection"].in_atomic_block
    return execute("SELECT * FROM no_such_table", None, many, context)


@on("default", "postgres", "mariadb")
def test_it_takes_few_queries(client, configured, database):
    configured()
    add_tricks("sit")
    caught_up(database)

    with CaptureQueriesContext(connections[database]) as queries:
        health(client)

    assert len(queries) <= 9


def test_nothing_of_an_event_is_told(client, configured, database):
    configured()
    add_tricks("s3cret-trick")
    caught_up(database)

    assert "s3cret" not in json.dumps(health(client))
