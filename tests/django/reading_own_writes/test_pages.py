"""Pages wait for what their visitor has written, and say so when it is missing, without an error."""

import asyncio
import logging
import time
from contextlib import contextmanager

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test import AsyncClient, Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.views import View

from django_eventsourcing import (
    get_application,
    get_system,
    reads_own_writes,
    remember_writes,
)
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.operating import pause
from django_eventsourcing.reading_own_writes import ReadYourWritesMiddleware
from eventsourcing.persistence import OperationalError
from tests.databases import on
from tests.django.own_models.models import TrickCount
from tests.django.projections.boards import Board, DogSchool
from tests.django.reading_own_writes import views
from tests.django.reading_own_writes.held import threads
from tests.django.schools import Counters, Tally
from tests.django.status.rows import held, told

pytestmark = [pytest.mark.usefixtures("site"), pytest.mark.long_elsewhere("default")]

STALE = {"count": 0, "stale": True}
FRESH = {"count": 1, "stale": False}
PAGES = ["read-soon", "page", "hidden"]
ASYNC_PAGES = ["aread-soon", "async-page"]


@pytest.fixture
def looks(configured, monkeypatch):
    """Return a list that grows by each look at a position."""
    configured()
    recorder = get_application(Board).recorder
    look, found = recorder.has_tracking_id, []
    monkeypatch.setattr(
        recorder, "has_tracking_id", lambda *args: found.append(args) or look(*args)
    )
    return found


def get(client, path):
    response = client.get(path)
    assert response.status_code == 200
    return response


def visited(paths, client=None):
    """Return what an asynchronous client is shown at these paths."""

    async def visit():
        found = [await (client or AsyncClient()).get(path) for path in paths]
        await sync_to_async(connections.close_all)()
        return found

    return asyncio.run(visit())


def test_a_page_shows_what_its_visitor_has_written(looks, database):
    client = Client()
    with threads(database):
        client.post("/write/sit/")
        response = get(client, "/read/sit/")

    assert response.json() == FRESH
    assert looks
    assert "X-Read-Model" not in response
    assert response["Vary"] == "Cookie"
    assert "Cache-Control" not in response


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_stale_when_the_time_is_out(configured, page):
    configured()
    client = Client()
    client.post("/write/sit/")

    response = get(client, f"/{page}/sit/")

    assert response.json() == STALE
    assert response["X-Read-Model"] == "stale"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("page", ASYNC_PAGES)
@pytest.mark.parametrize("is_asgi", [True, False])
def test_an_asynchronous_page_is_stale_when_the_time_is_out(configured, page, is_asgi):
    configured()
    client = Client()
    client.post("/write/sit/")
    path = f"/{page}/sit/"
    if is_asgi:
        other = AsyncClient()
        other.cookies = client.cookies
        (response,) = visited([path], other)
    else:
        response = client.get(path)
        connections.close_all()

    assert response.json() == STALE
    assert response["X-Read-Model"] == "stale"


@pytest.mark.parametrize("page", [*PAGES, *ASYNC_PAGES])
def test_who_has_written_nothing_waits_for_nothing(looks, page):
    Client().post("/write/sit/")

    if page in ASYNC_PAGES:
        (response,) = visited([f"/{page}/sit/"])
    else:
        response = get(Client(), f"/{page}/sit/")

    assert response.json() == {"count": 0, "stale": False}
    assert looks == []


def test_what_is_rolled_back_is_not_waited_for(looks):
    client = Client()
    assert client.post("/take-back/sit/").status_code == 200

    assert get(client, "/read/sit/").json() == {"count": 0, "stale": False}
    assert looks == []


def test_a_page_waits_through_all_pipes(configured, process):
    configured("tests.django.schools.long_system")
    client = Client()
    client.post("/write/sit/")

    process(Counters, DogSchool)
    assert get(client, "/read-tally/sit/").json() == {"stale": True}
    process(Tally, Counters)
    assert get(client, "/read-tally/sit/").json() == {"stale": False}


def test_a_view_that_writes_and_is_decorated_waits_for_what_was_before(looks):
    request = RequestFactory().get("/")
    with remembering(request):
        views.read_soon(request, "sit")
        views.teach("sit")
        # The answer of this request's wait stays.
        views.read_soon(request, "sit")

    assert looks == []
    assert request.read_model_is_stale is False


@contextmanager
def remembering(request):
    """Let a view be called as if by the middleware."""
    with remember_writes() as writes:
        ReadYourWritesMiddleware(lambda request: None)._begin(request, writes)
        yield


@pytest.mark.parametrize("page", ["read", "aread"])
@pytest.mark.parametrize("why", ["paused", "failed", "released", "expired"])
def test_a_page_does_not_wait_long_for_who_is_known_to_be_at_rest(configured, database, page, why):
    configured()
    client = Client()
    client.post("/write/sit/")
    held(database, "Board", expires_in=-1.0 if why == "expired" else 10.0)
    if why == "paused":
        pause(get_system(), "Board", "for tests")
    elif why == "failed":
        told(database, "Board", state="failed")
    elif why == "released":
        told(database, "Board", lease_owner=None)

    started = time.monotonic()
    response = get(client, f"/{page}/sit/")
    connections.close_all()

    assert response.json() == STALE
    assert time.monotonic() - started < views.PATIENT / 2


@on("default")
def test_a_page_waits_for_who_is_at_work_or_unknown(configured, database):
    configured()
    client = Client()
    client.post("/write/sit/")

    for is_held in (False, True):
        if is_held:
            held(database, "Board")
        started = time.monotonic()
        assert get(client, "/read-soon/sit/").json() == STALE
        assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("page", ["read", "aread"])
def test_a_position_that_cannot_be_read_is_no_error(configured, monkeypatch, caplog, page):
    configured()
    client = Client()
    client.post("/write/sit/")
    monkeypatch.setattr(get_application(Board).recorder, "has_tracking_id", fail)

    with caplog.at_level(logging.WARNING):
        response = get(client, f"/{page}/sit/")
    connections.close_all()

    assert response.json() == STALE
    assert [r.getMessage() for r in caplog.records if "django_eventsourcing" in r.name] == [
        "A page is shown without waiting for Board: OperationalError: gone"
    ]


def fail(*args):
    raise OperationalError("gone")


@on("default")
def test_a_look_that_takes_longer_than_the_time_out_is_the_only_one(configured, monkeypatch):
    configured()
    client = Client()
    client.post("/write/sit/")
    looks = []

    def look(*args):
        looks.append(args)
        time.sleep(0.3)  # The work of a slow database; nothing is waited for.
        return False

    monkeypatch.setattr(get_application(Board).recorder, "has_tracking_id", look)

    assert get(client, "/read-soon/sit/").json() == STALE
    assert len(looks) == 1


@on("postgres", "mariadb")
def test_a_connection_that_was_lost_meanwhile_is_opened_for_the_page(configured, database):
    configured()
    client = Client()
    client.post("/write/sit/")
    cut(database)

    assert get(client, "/read-soon/sit/").json() == STALE


def cut(alias):
    """Let the server end the connection of this thread."""
    if connections[alias].vendor == "postgresql":
        mine, kill = "SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%s)"
    else:
        mine, kill = "SELECT CONNECTION_ID()", "KILL %s"
    with connections[alias].cursor() as cursor:
        cursor.execute(mine)
        (number,) = cursor.fetchone()
    other = connections[alias].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(kill, [number])
    finally:
        other.close()


@pytest.mark.parametrize("page", ["read", "hidden"])
def test_under_atomic_requests_a_page_waits_before_its_transaction(
    configured, database, monkeypatch, page
):
    configured()
    monkeypatch.setitem(connections[database].settings_dict, "ATOMIC_REQUESTS", value=True)
    client = Client()
    assert client.post("/write/sit/").status_code == 200

    if page == "hidden":
        # The decorator, not seen by the middleware, finds itself in the transaction.
        assert get(client, "/hidden/sit/").json() == STALE
        return
    with threads(database):
        assert get(client, "/read/sit/").json() == FRESH
    assert TrickCount.objects.using(database).count() == 1


def test_the_middleware_is_needed(configured, settings):
    configured()
    settings.MIDDLEWARE = []

    with pytest.raises(ImproperlyConfigured) as caught:
        Client().get("/read/sit/")

    assert str(caught.value) == (
        "reads_own_writes() needs what the middleware remembers.  HINT: Add "
        "'django_eventsourcing.reading_own_writes.ReadYourWritesMiddleware' to MIDDLEWARE, after "
        "the one of sessions."
    )


def test_methods_are_decorated_otherwise(configured):
    configured()

    with pytest.raises(TypeError) as caught:
        Client().get("/odd-page/sit/")

    assert str(caught.value) == (
        "reads_own_writes() did not receive an HttpRequest. On a class-based view, decorate by "
        "method_decorator(reads_own_writes(…), name='dispatch')."
    )


def test_classes_are_decorated_otherwise():
    class Page(View):
        """A view that is a class."""

    with pytest.raises(TypeError) as caught:
        reads_own_writes("Tally")(Page)

    assert str(caught.value) == (
        "reads_own_writes() decorates functions, and "
        "test_classes_are_decorated_otherwise.<locals>.Page is a class. Decorate it by "
        "method_decorator(reads_own_writes(…), name='dispatch')."
    )


@pytest.mark.parametrize("arguments", [(), (3,), (views.write,)])
def test_the_decorator_is_given_followers(arguments):
    with pytest.raises(TypeError) as caught:
        reads_own_writes(*arguments)

    assert str(caught.value) == (
        "reads_own_writes() is given the followers that write what the view reads, as in "
        "@reads_own_writes(TrickTally, timeout=1.0)."
    )


def test_the_decorator_is_given_a_time_out():
    with pytest.raises(TypeError, match="timeout is None. Give seconds, from 0."):
        reads_own_writes(Board, timeout=None)


def test_an_application_that_follows_nothing_is_an_error_for_everybody(configured):
    configured()
    request = RequestFactory().get("/")

    with pytest.raises(ValueError, match="DogSchool follows no other"), remembering(request):
        reads_own_writes(DogSchool)(views.shown)(request, "sit")


def test_a_follower_that_is_not_configured_is_an_error_for_everybody(configured):
    configured()
    request = RequestFactory().get("/")

    with pytest.raises(ImproperlyConfigured, match="no application 'Bord'"), remembering(request):
        reads_own_writes("Bord")(views.shown)(request, "sit")


def test_what_is_no_response_is_passed_on(configured):
    configured()
    request = RequestFactory().get("/")
    with remembering(request):
        assert reads_own_writes(Board)(lambda request: {"a": 1})(request) == {"a": 1}


def test_decorators_may_be_stacked(configured, process):
    configured("tests.django.projections.boards.wide_system")
    request = RequestFactory().get("/")
    both = reads_own_writes(Board, timeout=0)(reads_own_writes("Counters", timeout=0)(views.shown))

    with remembering(request):
        views.teach("sit")
        process(Board, DogSchool)
        response = both(request, "sit")

    assert response["X-Read-Model"] == "stale"
    assert request.read_model_is_stale is True


def test_other_pages_know_of_no_staleness(configured):
    configured()
    request = RequestFactory().get("/")

    with remembering(request):
        assert request.read_model_is_stale is False


@on("default")
def test_no_record_of_the_follower_is_asked_for_unless_a_page_waits_long(
    configured, process, database
):
    configured()
    client = Client()
    client.post("/write/sit/")
    process(Board, DogSchool)
    with CaptureQueriesContext(connections[database]) as queries:
        get(client, "/read/sit/")

    table = FollowerRecord._meta.db_table
    assert [q["sql"] for q in queries if table in q["sql"]] == []
    # The position, and what the page shows.
    assert len(queries) == 2
