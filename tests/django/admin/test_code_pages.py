"""The event catalogue and the configuration show what code and settings say."""

import pytest
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.models import StoredEventRecord
from eventsourcing.cipher import AESCipher
from tests.django.admin.pages import CATALOGUE, CONFIGURATION, SYSTEMS, link, text
from tests.django.admin.records import make_events


def test_the_dashboard_leads_to_both(client):
    systems = client.get(SYSTEMS)

    assert link(systems, "Event catalogue") == CATALOGUE
    assert link(systems, "Configuration") == CONFIGURATION


def test_the_catalogue_shows_classes_fields_and_versions(client):
    shown = text(client.get(CATALOGUE))

    assert "tests.django.admin.kennel" in shown
    assert "eventsourcing.domain Class" not in shown
    assert "Dog.Weighed kilograms: Decimal 1 - -" in shown


def test_the_catalogue_shows_upcasters_and_handlers(client, settings):
    settings.EVENTSOURCING = {"default": {"SYSTEM": "tests.django.admin.kennel.counting_system"}}

    shown = text(client.get(CATALOGUE))

    assert "Visit.Paid pence: int 3 1 → 2, 2 → 3 Counting policy(), line " in shown
    assert "Visit.Began - 2 - 1 → 2 is missing -" in shown


def test_a_follower_that_does_not_dispatch_is_told(client, settings):
    settings.EVENTSOURCING = {"default": {"SYSTEM": "tests.django.admin.kennel.listening_system"}}

    assert (
        "Listening of the system “default” takes every event of the logs that it follows, and "
        "chooses by itself."
    ) in text(client.get(CATALOGUE))


def test_topics_that_lead_to_no_class_are_told(client, db):
    make_events(1)
    StoredEventRecord.objects.update(topic="tests.django.admin.kennel:Dog.Gone<script>")

    page = client.get(CATALOGUE)

    assert "Topics that lead to no class" in text(page)
    assert "tests.django.admin.kennel:Dog.Gone<script> Kennel" in text(page)
    assert "<script>Kennel" not in page.content.decode()
    assert "Events of these topics cannot be read." in text(page)


def test_where_all_topics_lead_to_classes_no_more_is_said(client, db):
    make_events(1)

    assert "Topics that lead to no class Topic" not in text(client.get(CATALOGUE))
    assert "The newest 5000 events of each table are looked at" in text(client.get(CATALOGUE))


def test_the_catalogue_takes_few_queries(client, db, django_assert_max_num_queries):
    make_events(30)

    with django_assert_max_num_queries(12) as captured:
        client.get(CATALOGUE)

    assert not [q for q in captured.captured_queries if "DISTINCT" in q["sql"]]


def test_the_configuration_shows_values_and_their_sources(client, settings, monkeypatch):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.admin.kennel.system",
            "ENV": {"PAYLOAD_MAX_BYTES": "5000"},
            "APPLICATIONS": {
                "Tally": {"SEGMENTS": 2, "ON_ERROR": {"retries": 1}},
                "Kennel": {"ENV": {"COMPRESSOR_TOPIC": "zlib"}},
            },
            "OPTIONS": {"BATCH_SIZE": 7, "ON_ERROR": {"then": "park"}},
        }
    }
    monkeypatch.setenv("TALLY_NESTING_MAX_DEPTH", "9")

    shown = text(client.get(CONFIGURATION))

    where = "EVENTSOURCING['default']"
    for row in (
        f"SYSTEM 'tests.django.admin.kennel.system' {where}['SYSTEM']",
        f"BATCH_SIZE 7 {where}['OPTIONS']['BATCH_SIZE']",
        "POLL_INTERVAL 0.5 by default",
        f"ON_ERROR['then'] 'park' {where}['OPTIONS']['ON_ERROR']['then']",
        "ON_ERROR['retries'] 5 by default",
        f"SEGMENTS 2 {where}['APPLICATIONS']['Tally']['SEGMENTS']",
        f"ON_ERROR['retries'] 1 {where}['APPLICATIONS']['Tally']['ON_ERROR']['retries']",
        f"COMPRESSOR_TOPIC 'zlib' {where}['APPLICATIONS']['Kennel']['ENV']['COMPRESSOR_TOPIC']",
        f"PAYLOAD_MAX_BYTES '5000' {where}['ENV']['PAYLOAD_MAX_BYTES']",
        "NESTING_MAX_DEPTH '9' os.environ['TALLY_NESTING_MAX_DEPTH']",
        "PERSISTENCE_MODULE 'django_eventsourcing.factory' by default",
    ):
        assert row in shown


@pytest.mark.parametrize("key", ["CIPHER_KEY", "KENNEL_CIPHER_KEY", "SOME_PASSWORD"])
def test_secrets_are_not_shown(client, settings, key):
    secret = AESCipher.create_key(32)
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.admin.kennel.system", "ENV": {key: secret}}
    }
    settings.EVENTSOURCING_TOKEN = token = "not-to-be-seen-by-anybody"

    page = client.get(CONFIGURATION)

    assert f"{key.removeprefix('KENNEL_')} set, and not shown" in text(page)
    assert "EVENTSOURCING_TOKEN set, and not shown EVENTSOURCING_TOKEN" in text(page)
    assert secret not in page.content.decode()
    assert token not in page.content.decode()


def test_a_secret_of_the_process_is_not_shown(client, monkeypatch):
    monkeypatch.setenv("CIPHER_KEY", AESCipher.create_key(32))

    page = client.get(CONFIGURATION)

    assert "CIPHER_KEY set, and not shown os.environ['CIPHER_KEY']" in text(page)


def test_the_configuration_asks_the_database_for_nothing_of_events(client, db):
    from django.db import connection

    with CaptureQueriesContext(connection) as captured:
        client.get(CONFIGURATION)

    assert not [q for q in captured.captured_queries if "eventsourcing" in q["sql"]]


def test_faults_of_the_settings_are_told(client, settings):
    settings.EVENTSOURCING = {"default": {"SYTEM": "x"}}

    assert "EVENTSOURCING['default'] has the unknown key 'SYTEM'." in text(
        client.get(CONFIGURATION)
    )
