"""What no screen does: tell a secret, offer to change records, or make SQL of what is asked for."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.registry import reset
from eventsourcing.cipher import AESCipher
from tests.django.admin.pages import LOGS
from tests.django.admin.screens import make_screens, setting
from tests.django.admin.visitors import logged_in
from tests.django.statements import Statements

TOKEN = "token-canary-4a81"
PASSWORD = "password-canary-4a81"
CANARY = "canary-4a81"
INJECTIONS = [f"{CANARY}' OR '1'='1", f"""{CANARY}"`])); DROP TABLE dogs; --%s%(a)s"""]
FORM = re.compile(r"<form(?=[^>]*\bmethod=.post)(?![^>]*logout)[^>]*>")
OFFERS = re.compile(
    r'_selected_action|name="action"|/django_eventsourcing/[^"]*(?:add|delete|history)/"'
)
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


def test_viewers_are_shown_no_form_that_changes_anything(screens, client):
    for name, page in screens.pages.items():
        response = client.get(page)
        if name in {"skip", "rebuild"} or name.startswith("reset"):
            assert response.status_code == 403, name
        else:
            assert response.status_code in (200, 400), name
            assert FORM.findall(response.content.decode()) == [], name


def test_nobody_is_offered_to_change_records(screens, superuser):
    client = logged_in(superuser)
    for name, page in screens.pages.items():
        assert OFFERS.findall(client.get(page).content.decode()) == [], name


def fields(page):
    """Return the names of what can be asked of the page, by its forms and its links."""
    found = re.findall(r'<(?:input|select)[^>]*\bname="(\w+)"', page.content.decode())
    return sorted({*found, "before", "after", "database", "copy"} - {"csrfmiddlewaretoken"})


@pytest.mark.parametrize("words", INJECTIONS)
def test_what_is_asked_for_is_never_made_part_of_sql(screens, superuser, words):
    client = logged_in(superuser)
    names = ("events", "trace", "stream", "section", "snapshots", "positions", "dead-letters")
    pages = [screens.pages[name] for name in (*names, "reset", "follower")]
    pages.append(f"{LOGS}default/School/")
    terms = [words, *(f'{key}:"{words}"' for key in ("topic", "correlation", "user", "originator"))]
    statements = Statements()
    with statements.collected():
        for page in pages:
            for field in fields(client.get(page)):
                for term in terms if field == "q" else [words]:
                    assert client.get(page, {field: term}).status_code in (200, 400), (page, field)

    assert any(CANARY in str(parameters) for parameters in statements.parameters)
    assert [sql for sql in statements.sql if CANARY in sql] == []
