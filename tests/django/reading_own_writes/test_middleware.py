"""What a visitor has caused is kept: in the session or a cookie, for a while, and read with care."""

import json
import logging
import time

import pytest
from django.core import signing
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from django_eventsourcing.reading_own_writes import ReadYourWritesMiddleware, kept
from django_eventsourcing.reading_own_writes.kept import (
    COOKIE_NAME,
    LONGEST_COOKIE,
    MOST_APPLICATIONS,
    SESSION_KEY,
    KeptWrites,
)
from django_eventsourcing.remembering import Writes
from tests.databases import on
from tests.django.reading_own_writes import views
from tests.django.reading_own_writes.test_pages import visited
from tests.django.status.rows import ids_of

pytestmark = [pytest.mark.usefixtures("site"), pytest.mark.long_elsewhere("default")]


def writes_of(**ids):
    writes = Writes()
    for name, id_ in ids.items():
        writes.note(name, id_)
    return writes


def request_with(cookie=None, session=None):
    request = RequestFactory().get("/")
    if cookie is not None:
        request.COOKIES[COOKIE_NAME] = cookie
    if session is not None:
        request.session = session
    return request


def signed(value):
    return signing.dumps(value, salt=COOKIE_NAME)


def read(request, max_age=60):
    return KeptWrites(request, Writes(), max_age=max_age).read()


class Session(dict):
    """A session in memory."""

    def is_empty(self):
        return not self


def test_without_a_session_it_is_a_signed_cookie(configured, database):
    configured()
    client = Client()

    client.post("/write/sit/")

    morsel = client.cookies[COOKIE_NAME]
    assert list(client.cookies) == [COOKIE_NAME]
    value = signing.loads(morsel.value, salt=COOKIE_NAME)
    assert value["DogSchool"][0] == ids_of(database)[-1]
    assert (morsel["max-age"], morsel["httponly"], morsel["samesite"]) == (60, True, "Lax")
    assert (morsel["path"], morsel["secure"]) == ("/", "")


def test_with_a_session_it_is_in_the_session(configured, database):
    configured()
    client = Client()
    client.post("/log-in/ann/")

    client.post("/write/sit/")

    assert COOKIE_NAME not in client.cookies
    assert client.session[SESSION_KEY]["DogSchool"][0] == ids_of(database)[-1]
    assert client.session["user"] == "ann"
    assert client.get("/read-soon/sit/").json()["stale"] is True


def test_before_the_middleware_of_sessions_it_is_a_cookie(configured, settings):
    settings.MIDDLEWARE = settings.MIDDLEWARE[::-1]
    configured()
    client = Client()
    client.post("/log-in/ann/")

    client.post("/write/sit/")

    assert COOKIE_NAME in client.cookies
    assert SESSION_KEY not in client.session
    assert client.get("/read-soon/sit/").json()["stale"] is True


@on("default")
def test_the_session_of_an_asynchronous_request_may_be_in_the_database(configured, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    configured()
    client = AsyncClient()

    found = visited(["/log-in/ann/", "/awrite/sit/", "/aread-soon/sit/"], client)

    assert found[-1].json()["stale"] is True
    assert COOKIE_NAME not in client.cookies


def test_what_was_kept_before_the_visitor_had_a_session_still_counts(configured):
    configured()
    client = Client()
    client.post("/write/sit/")
    client.post("/log-in/ann/")

    assert client.get("/read-soon/sit/").json()["stale"] is True


def test_pages_that_record_nothing_keep_nothing(configured):
    configured()
    client = Client()

    client.get("/read/sit/")
    client.post("/take-back/sit/")

    assert list(client.cookies) == []


def test_a_subclass_may_do_without_sessions_and_remember_longer():
    class Longer(ReadYourWritesMiddleware):
        max_age = 600
        uses_session = False

    request = request_with(session=Session(user="ann"))

    def view(request):
        kept.kept_by(request).writes.note("DogSchool", 7)
        return HttpResponse()

    response = Longer(view)(request)

    assert response.cookies[COOKIE_NAME]["max-age"] == 600
    assert request.session == {"user": "ann"}


def test_the_cookie_is_as_the_one_of_sessions(settings):
    settings.SESSION_COOKIE_SECURE = True
    settings.SESSION_COOKIE_PATH = "/school/"
    settings.SESSION_COOKIE_DOMAIN = "dogs.example"
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    response = HttpResponse()

    KeptWrites(request_with(), writes_of(DogSchool=7), max_age=60).keep(response)

    morsel = response.cookies[COOKIE_NAME]
    assert morsel["secure"] is True
    assert (morsel["path"], morsel["domain"]) == ("/school/", "dogs.example")
    assert morsel["samesite"] == "Strict"


def test_the_latest_of_all_is_read():
    now = int(time.time())
    cookie = signed({"DogSchool": [7, now], "Kennel": [3, now], "Shop": [1, now]})
    session = Session({SESSION_KEY: {"DogSchool": [6, now], "Kennel": [4, now]}})
    kept = KeptWrites(request_with(cookie, session), writes_of(Shop=2), max_age=60)

    assert kept.read() == {"DogSchool": 7, "Kennel": 4, "Shop": 2}


def test_an_earlier_notification_does_not_replace_a_later_one():
    now = int(time.time())
    session = Session({SESSION_KEY: {"DogSchool": [7, now]}})

    KeptWrites(request_with(session=session), writes_of(DogSchool=5), max_age=60).keep(None)

    assert json.loads(json.dumps(session[SESSION_KEY])) == {"DogSchool": [7, now]}


def test_what_is_old_is_forgotten():
    now = int(time.time())
    entries = {"DogSchool": [7, now - 90], "Kennel": [3, now - 30]}

    assert read(request_with(signed(entries))) == {"Kennel": 3}
    assert read(request_with(session=Session({SESSION_KEY: entries}))) == {"Kennel": 3}


def test_a_cookie_that_is_old_is_forgotten(monkeypatch):
    now = int(time.time())
    cookie = signed({"DogSchool": [7, now + 1000]})
    monkeypatch.setattr(time, "time", lambda: now + 90)

    assert read(request_with(cookie)) == {}


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "x",
        "a:b:c",
        signing.dumps({"DogSchool": [7, 2**40]}, salt="another"),
        signing.dumps({"DogSchool": [7, 2**40]}, salt=COOKIE_NAME, key="another"),
        f"{signing.dumps({'DogSchool': [7, 2**40]}, salt=COOKIE_NAME)}x",
        ".eJw:1:2",
        "\ud800",
        "t\u00f6ken" * 1000,
    ],
    # The time is in what is signed: the texts are no names.
    ids=["empty", "a letter", "colons", "salt", "key", "more", "short", "surrogate", "long"],
)
def test_a_cookie_that_was_tampered_with_is_as_if_it_were_not_there(cookie):
    assert read(request_with(cookie)) == {}


ODD = [
    None,
    3,
    "DogSchool",
    ["DogSchool"],
    {"DogSchool": 7},
    {"DogSchool": None},
    {"DogSchool": []},
    {"DogSchool": [7]},
    {"DogSchool": ["7", 2**40]},
    {"DogSchool": [-7, 2**40]},
    {"DogSchool": [True, 2**40]},
    {"DogSchool": [7.5, 2**40]},
    {"DogSchool": [2**63, 2**40]},
    {"DogSchool": [7, "now"]},
    {"DogSchool": [7, 2**40, 1]},
]


@pytest.mark.parametrize("value", ODD)
def test_what_is_not_of_the_right_form_is_as_if_it_were_not_there(value):
    assert read(request_with(signed(value))) == {}
    assert read(request_with(session=Session({SESSION_KEY: value}))) == {}


def test_beside_what_is_odd_the_rest_is_read():
    now = int(time.time())

    assert read(request_with(signed({"DogSchool": 7, "Kennel": [3, now]}))) == {"Kennel": 3}


def test_no_more_than_so_many_applications_are_kept_the_newest():
    old = int(time.time()) - 30
    before = {f"Old{n}": [n, old + n % 2] for n in range(MOST_APPLICATIONS)}
    session = Session({SESSION_KEY: before})

    KeptWrites(request_with(session=session), writes_of(New=7), max_age=60).keep(None)

    kept = session[SESSION_KEY]
    assert len(kept) == MOST_APPLICATIONS
    assert kept["New"][0] == 7


def test_a_cookie_is_no_longer_than_browsers_take():
    names = [f"{n}".rjust(255, chr(0x4E00 + n * 97)) for n in range(MOST_APPLICATIONS)]
    response = HttpResponse()

    KeptWrites(request_with(), writes_of(**dict.fromkeys(names, 7)), max_age=60).keep(response)

    value = response.cookies[COOKIE_NAME].value
    assert len(value) <= LONGEST_COOKIE
    assert read(request_with(value))


def test_a_store_of_sessions_that_fails_is_no_error(caplog, configured):
    configured()

    class Broken(Session):
        def is_empty(self):
            raise OSError("no store")

    request = request_with(session=Broken())

    def view(request):
        kept.kept_by(request).writes.note("DogSchool", 7)
        return views.read_soon(request, "sit")

    with caplog.at_level(logging.WARNING):
        response = ReadYourWritesMiddleware(view)(request)

    assert response.status_code == 200
    assert [record.getMessage() for record in caplog.records] == [
        "What a visitor has caused cannot be read: OSError: no store",
        "What a request has caused cannot be kept: OSError: no store",
    ]
