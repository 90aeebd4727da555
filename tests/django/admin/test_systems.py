"""The dashboard: how each system is doing, in a graph, in tables and in words."""

import json
import re
from contextlib import ExitStack
from io import StringIO

import pytest
from django.conf import settings as configured_settings
from django.core.management import call_command
from django.db import OperationalError, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.admin import looks
from tests.django.admin.pages import (
    EVENTS,
    LOGS,
    POSITIONS,
    SYSTEMS,
    follower_page,
    link,
    text,
)
from tests.django.admin.records import make_events
from tests.django.schools import FOLLOWERS
from tests.django.status.rows import (
    add_tricks,
    at,
    held,
    parked,
    processed,
    told,
    worker_in,
)

ALIASES = [
    alias for alias in ("default", "postgres", "mariadb") if alias in configured_settings.DATABASES
]
KENNEL = {"SYSTEM": "tests.django.admin.kennel.system"}
OTHER = {"SYSTEM": "tests.django.admin.kennel.other_system"}
SCRIPT = "<script>alert(1)</script>"


def test_follower_has_its_verdict_position_and_head(client):
    make_events(3)
    worker = worker_in("default")
    held("default", "Tally", worker=worker)
    at("default", 1, "Tally", "Kennel")

    shown = text(client.get(SYSTEMS))

    assert "Tally lagging Tally is 2 behind and catching up Kennel 1 3 2 " in shown


def test_follower_that_nobody_runs_is_told_in_words(client):
    make_events(2)

    shown = text(client.get(SYSTEMS))

    assert "Tally stuck Tally is stuck: 2 events are pending and no worker holds it" in shown
    assert "No worker has run this system lately: manage.py run_system starts one." in shown


def test_last_error_and_parked_notifications_are_shown(client):
    make_events(3)
    told("default", "Tally", state="failed", error="KeyError: 'Rex'", notification_id=2)
    parked("default", 1, "Tally")

    assert " 1 KeyError: 'Rex' Names " in text(client.get(SYSTEMS))


def test_workers_are_shown_with_the_age_of_their_heartbeat(client):
    worker_in("default", name="w1", heartbeat=3.0)
    worker_in("default", name="w2", heartbeat=600.0)

    shown = text(client.get(SYSTEMS))

    assert "w1 kennel 12 0.1.0 " in shown
    assert re.search(r"alive \d+ s ago", shown)
    assert "silent 10 min ago" in shown


def test_follower_leads_to_its_page(client):
    page = client.get(SYSTEMS)

    assert link(page, "Tally") == follower_page("Tally")
    assert client.get(link(page, "Tally")).status_code == 200


def test_graph_says_what_it_shows(client):
    make_events(2)

    page = client.get(SYSTEMS).content.decode()

    assert re.search(r"Tally: stuck, 2 behind, oldest \d+ s\. ", page)
    assert "Tally follows Kennel. Names follows Kennel.</desc>" in page
    label = rf'<a href="{re.escape(follower_page("Tally"))}" aria-label="Tally: stuck, 2 behind, '
    assert re.search(label, page)


def test_page_is_shown_under_a_strict_content_security_policy(client):
    page = client.get(SYSTEMS).content.decode().partition('id="content-main"')[2]

    assert "<script" not in page.partition("<footer")[0]
    assert " style=" not in page
    assert " onclick" not in page


def test_lengths_in_the_graph_are_numbers_in_every_language(client, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    settings.LANGUAGE_CODE = "de"

    assert 'viewBox="0 0 ' in client.get(SYSTEMS).content.decode()


def test_error_and_reason_are_shown_as_text(client):
    make_events(3)
    told("default", "Tally", state="failed", error=SCRIPT, notification_id=2)
    told("default", "Names", desired_state="paused", desired_reason=SCRIPT)

    page = client.get(SYSTEMS)

    assert SCRIPT not in page.content.decode()
    # In the sentence, in the column of errors, and in the lines to be copied.
    assert text(page).count(SCRIPT) == 5


def test_system_that_cannot_be_looked_at_does_not_hide_the_others(client, settings, monkeypatch):
    settings.EVENTSOURCING = {"default": KENNEL, "other": OTHER}
    look = looks.system_status

    def fail_once(alias):
        if alias == "other":
            raise OperationalError("connection refused")
        return look(alias)

    monkeypatch.setattr(looks, "system_status", fail_once)

    shown = text(client.get(SYSTEMS))

    assert "System “other” connection refused" in shown
    assert "Tally not running" in shown


@pytest.mark.skipif(len(ALIASES) < 2, reason="needs a second database: set TEST_POSTGRES_URL")
@pytest.mark.django_db(databases=ALIASES)
def test_database_that_does_not_answer_does_not_hide_the_others(client, settings):
    settings.EVENTSOURCING = {
        "default": KENNEL,
        "other": {"SYSTEM": "tests.django.admin.kennel.walking_system", "DATABASE": ALIASES[1]},
    }

    def refuse(*args):
        raise OperationalError("connection refused")

    with connections[ALIASES[1]].execute_wrapper(refuse):
        shown = text(client.get(SYSTEMS))

    assert "Tally not running Tally is not running: no worker holds it" in shown
    assert "Walks unknown Walks cannot be looked at: " in shown
    # In the place of the follower and above the table, and so in the lines to be copied.
    assert shown.count("connection refused") == 4


def test_system_with_faults_in_its_settings_is_told_above_the_others(client, settings):
    settings.EVENTSOURCING = {"default": KENNEL, "other": {"SYSTEM": "no.such.system"}}

    shown = text(client.get(SYSTEMS))

    assert "no.such.system" in shown
    assert "Tally not running" in shown


def test_without_a_system_the_page_says_which_setting_names_one(client, settings):
    settings.EVENTSOURCING = {}

    assert "No system is configured." in text(client.get(SYSTEMS))


def test_rate_and_time_yet_are_shown_with_the_last_hour_in_words(client):
    make_events(3)
    held("default", "Tally", worker=worker_in("default"))
    at("default", 1, "Tally", "Kennel")
    processed("default", 620, "Tally", seconds=2.0, passed=2)
    processed("default", 54_000, "Tally", minutes_ago=30)

    page = client.get(SYSTEMS)

    assert "Tally is 2 behind, catching up, about 2 s" in text(page)
    assert "310/s 2 s 310/s now, at most 900/s in the last hour 0 - " in text(page)
    assert "Tally: lagging, 2 behind, oldest 1 s, 310/s. " in text(page)
    assert 'aria-label="310/s now, at most 900/s in the last hour"' in page.content.decode()


def test_lines_of_es_status_are_there_to_be_copied(client):
    make_events(3)
    held("default", "Tally", worker=worker_in("default"))

    shown = text(client.get(SYSTEMS))

    assert "As text Copy as text System 'default' follower upstream position head behind" in shown
    assert "worker version wakes by last heard of w1 (kennel, process 12) 0.1.0 polling" in shown


def test_summary_names_those_that_somebody_has_to_look_at(client):
    worker = worker_in("default")
    held("default", "Tally", worker=worker)

    assert "System “default” Names is not running. " in text(client.get(SYSTEMS))

    held("default", "Names", worker=worker)
    assert "System “default” All followers are well. " in text(client.get(SYSTEMS))


def test_fragment_is_the_part_that_changes_alone(client):
    page, fragment = client.get(SYSTEMS), client.get(f"{SYSTEMS}?fragment=1")

    assert fragment.status_code == 200
    assert "<html" not in fragment.content.decode()
    assert "Tally is not running: no worker holds it" in fragment.content.decode()
    [part] = re.findall(r"<div data-es-live>(.*)</div>\n", page.content.decode(), re.DOTALL)
    assert re.sub(r"\s+", " ", part).startswith(
        re.sub(r"\s+", " ", fragment.content.decode().partition("<details")[0])
    )


def test_fragment_is_for_those_who_may_see_the_page(client, staff):
    assert Client().get(f"{SYSTEMS}?fragment=1").status_code == 302
    assert client.post(f"{SYSTEMS}?fragment=1").status_code == 403
    client.force_login(staff)
    assert client.get(f"{SYSTEMS}?fragment=1").status_code == 403


@pytest.mark.parametrize("page", [SYSTEMS, EVENTS, LOGS, POSITIONS, follower_page("Tally")])
def test_environment_is_named_on_every_page(client, settings, page):
    assert "Environment:" not in text(client.get(page))

    settings.EVENTSOURCING_ENVIRONMENT = "production <1>"
    assert text(client.get(page)).startswith("> Environment: production <1> ")


@pytest.mark.django_db(transaction=True, databases=ALIASES)
def test_queries_are_few_however_many_followers_there_are(client, settings, database):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.wide_system", "DATABASE": database}
    }
    worker = worker_in(database)
    for name in FOLLOWERS:
        held(database, name, worker=worker)
        parked(database, 1, name)
        processed(database, 60, name)
    add_tricks(*["sit"] * 20)
    client.get(SYSTEMS)

    with ExitStack() as stack:
        captured = [
            stack.enter_context(CaptureQueriesContext(connections[alias]))
            for alias in {"default", database}
        ]
        page = client.get(SYSTEMS)

    # What begins and ends transactions, and sets the time limit, asks for nothing.
    bounds = re.compile("BEGIN|COMMIT|SAVEPOINT|RELEASE|SET |.*statement_timeout")
    said = [query["sql"] for queries in captured for query in queries]
    asked = [sql for sql in said if not bounds.match(sql)]
    assert text(page).count("21 behind") >= 12
    assert len(asked) <= 12
    assert len(said) <= 40
    assert not [sql for sql in asked if re.search(r"COUNT\(|OFFSET|DISTINCT", sql)]


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{}, {"use_base_manager": True}])
def test_dumpdata_asks_for_no_table(options):
    out = StringIO()

    call_command("dumpdata", "django_eventsourcing.monitoredsystem", stdout=out, **options)

    assert json.loads(out.getvalue()) == []
