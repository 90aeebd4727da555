"""What no screen does: tell a secret, or ask for events of applications without naming them."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.registry import reset
from eventsourcing.cipher import AESCipher
from tests.django.admin.screens import make_screens, setting
from tests.django.admin.visitors import logged_in

TOKEN = "token-canary-4a81"
PASSWORD = "password-canary-4a81"
TABLES = ("django_eventsourcing_storedeventrecord", "django_eventsourcing_snapshotrecord")


def answers(client, screens):
    yield from ((name, client.get(page)) for name, page in screens.pages.items())
    for name, (page, data) in screens.forms.items():
        yield name, client.post(page, data, follow=True)


def test_secrets_are_on_no_screen_and_in_no_log(settings, superuser, monkeypatch, caplog):
    key = AESCipher.create_key(32)
    values = setting()
    values["default"]["ENV"] = {"CIPHER_KEY": key, "CIPHER_TOPIC": "eventsourcing.cipher:AESCipher"}
    settings.EVENTSOURCING = values
    settings.EVENTSOURCING_TOKEN = TOKEN
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", PASSWORD)
    caplog.set_level("DEBUG")

    client = logged_in(superuser)
    shown = [(name, r.content.decode()) for name, r in answers(client, make_screens("words"))]
    # The key of another environment reads nothing: errors do not tell it, either.
    reset()
    other = AESCipher.create_key(32)
    values["default"]["ENV"]["CIPHER_KEY"] = other
    settings.EVENTSOURCING = dict(values)
    pages = ["/admin/django_eventsourcing/storedeventrecord/1/change/"]
    shown += [(page, client.get(page).content.decode()) for page in pages]

    assert "The payload cannot be read." in shown[-1][1]
    for secret in (key, other, TOKEN, PASSWORD):
        assert secret not in caplog.text
        for name, body in shown:
            assert secret not in body, name


@pytest.mark.parametrize("table", TABLES)
def test_queries_of_records_name_the_application_or_the_record(screens, superuser, table):
    client = logged_in(superuser)
    # The lists show the records of all applications, by their ids.
    whole = {"events", "events-errors", "snapshots", "catalogue"}
    found = 0
    for name, page in screens.pages.items():
        with CaptureQueriesContext(connection) as queries:
            client.get(page)
        for query in queries:
            sql = query["sql"]
            if name in whole or f'FROM "{table}"' not in sql:
                continue
            found += 1
            where = sql.partition(" WHERE ")[2]
            assert re.search(r'"application_name"|\."id" = ', where), (name, sql)
    assert found
