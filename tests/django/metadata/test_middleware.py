"""The middleware: the events of a request have its id and its user, in sync and async projects."""

from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from django_eventsourcing import current_metadata
from tests.databases import on
from tests.django.metadata.rows import metadata_of

pytestmark = [on("default"), pytest.mark.urls("tests.django.metadata.views")]
OWN = "django_eventsourcing.middleware.EventMetadataMiddleware"


class Asynchronous(AsyncClient):
    """An async client for tests that are not, which gives headers as the other one does."""

    get = async_to_sync(AsyncClient.get)

    def force_login(self, user):
        async_to_sync(self.aforce_login)(user)


@pytest.fixture(params=[Client, Asynchronous])
def client(request):
    return request.param(raise_request_exception=False)


@pytest.fixture
def use(settings, configured):
    """Configure the system, and the middleware behind the others or before them."""

    def use(path=OWN, *, first=False):
        configured("system")
        others = list(settings.MIDDLEWARE)
        settings.MIDDLEWARE = [path, *others] if first else [*others, path]

    return use


@pytest.fixture
def ann(database):
    return User.objects.create_user("ann")


@pytest.mark.parametrize("path", ["/register/", "/aregister/"])
@pytest.mark.parametrize("first", [False, True])
def test_events_have_the_id_of_the_request_and_the_user(use, client, ann, database, path, first):
    use(first=first)
    client.force_login(ann)

    response = client.get(path, headers={"X-Request-ID": "abc-1"})

    assert response.status_code == 200
    assert response["X-Request-ID"] == "abc-1"
    assert "X-Correlation-ID" not in response
    assert metadata_of(database) == [{"correlation_id": "abc-1", "user": ann.pk}]
    assert current_metadata() == {}


@pytest.mark.parametrize("path", ["/register/", "/aregister/"])
def test_without_an_id_a_new_one_is_made_and_told(use, client, database, path):
    use()

    told = [client.get(path)["X-Correlation-ID"] for _ in range(2)]

    assert UUID(told[0]).version == 4
    assert metadata_of(database) == [{"correlation_id": each} for each in told]
    assert told[0] != told[1]


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "é", "a,b", "a\tb"])
def test_an_id_that_is_not_well_formed_is_replaced(use, given):
    use()

    response = Client().get("/nothing/", headers={"X-Request-ID": given})

    assert "X-Request-ID" not in response
    assert UUID(response["X-Correlation-ID"])


def test_the_first_header_that_is_well_formed_counts(use):
    use()
    get = Client().get

    both = get("/nothing/", headers={"X-Request-ID": "second", "X-Correlation-ID": "first"})
    one = get("/nothing/", headers={"X-Request-ID": "second", "X-Correlation-ID": "not this"})

    assert (both["X-Correlation-ID"], both.has_header("X-Request-ID")) == ("first", False)
    assert (one["X-Request-ID"], one.has_header("X-Correlation-ID")) == ("second", False)


@pytest.mark.parametrize("path", ["/nothing/", "/anothing/"])
def test_a_request_that_records_nothing_asks_for_no_user(use, client, ann, path):
    use()
    client.force_login(ann)

    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)

    assert response.status_code == 200
    assert queries.captured_queries == []


def test_the_user_is_who_is_logged_in_when_the_event_is_recorded(use, ann, database):
    use()

    Client().get("/changing/", headers={"X-Request-ID": "1"})

    assert [each.get("user") for each in metadata_of(database)] == [None, ann.pk, None]


def test_without_users_there_are_ids_alone(use, settings, client, database):
    settings.MIDDLEWARE = []
    use()

    client.get("/register/", headers={"X-Request-ID": "1"})

    assert metadata_of(database) == [{"correlation_id": "1"}]


def test_a_view_that_fails_leaves_nothing_behind(use, client, database):
    use()

    response = client.get("/fail/", headers={"X-Request-ID": "1"})

    assert response.status_code == 500
    assert response["X-Request-ID"] == "1"
    assert current_metadata() == {}


def test_a_header_that_the_view_has_set_is_left(use, client):
    use()

    response = client.get("/labelled/", headers={"X-Correlation-ID": "1"})

    assert response["X-Correlation-ID"] == "own"
    assert response.content == b"1"


def test_a_subclass_says_which_header_which_user_and_what_else(use, client, ann, database):
    use("tests.django.metadata.views.ShopMiddleware")
    client.force_login(ann)

    response = client.get("/register/", headers={"X-Trace": "t/1", "X-Request-ID": "no"})

    assert response["X-Trace"] == "t/1"
    assert metadata_of(database) == [{"correlation_id": "t/1", "path": "/register/", "user": "ann"}]
