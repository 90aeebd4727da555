"""Error responses: 404 and 409 for what an application refuses, in the client's form."""

import logging
from unittest.mock import patch
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import AsyncClient, Client

from django_eventsourcing import get_application, registry
from django_eventsourcing.models import StoredEventRecord
from tests.core.school import DogSchool
from tests.django.refused_views import in_transaction

pytestmark = [
    pytest.mark.urls("tests.django.refused_views"),
    pytest.mark.long_elsewhere("postgres"),
]

CONFLICT = (
    "Somebody else has changed this meanwhile, so your change has not been made. Read it again, "
    "and repeat the change if it is still wanted."
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
JSON = "application/json"


@pytest.fixture
def templates(settings, tmp_path):
    """Return the directory of the project's templates, which has a page for 404."""
    (tmp_path / "404.html").write_text("{{ exception }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    return tmp_path


@pytest.fixture
def school(settings, database, templates):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.system", "DATABASE": database}
    }
    settings.MIDDLEWARE = [
        "django_eventsourcing.error_responses.EventSourcingErrorsMiddleware",
        "tests.django.refused_views.TransactionMiddleware",
    ]
    in_transaction.clear()
    yield get_application(DogSchool)
    registry.reset()


@pytest.fixture
def dog_id(school):
    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")
    return dog_id


def get(path, accept=BROWSER, *, how="sync"):
    """Return the answer of a server, sync or async."""
    ask = Client().get if how == "sync" else async_to_sync(AsyncClient().get)
    return ask(path, headers={"Accept": accept})


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("view", ["", "/async"])
def test_an_aggregate_that_is_not_there_is_not_found(school, how, view):
    unknown = uuid4()

    page = get(f"{view}/dogs/{unknown}/", how=how)
    answer = get(f"{view}/dogs/{unknown}/", JSON, how=how)

    assert page.status_code == 404
    assert f"Aggregate {unknown} not found." in page.content.decode()
    assert (answer.status_code, answer.json()) == (404, {"error": "Not found."})
    assert answer["Vary"] == "Accept"


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("view", ["", "/async"])
def test_a_change_after_somebody_elses_is_a_conflict(school, dog_id, how, view):
    page = get(f"{view}/dogs/{dog_id}/teach/", how=how)
    answer = get(f"{view}/dogs/{dog_id}/teach/", JSON, how=how)

    assert page.status_code == 409
    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert f"<h1>Conflict</h1>\n<p>{CONFLICT}</p>" in page.content.decode()
    assert (answer.status_code, answer.json()) == (409, {"error": CONFLICT})
    assert page["Vary"] == answer["Vary"] == "Accept"


@pytest.mark.parametrize("accept", ["*/*", "", "image/png", f"{BROWSER},{JSON};q=0.1"])
def test_clients_that_do_not_prefer_json_get_a_page(school, dog_id, accept):
    response = get(f"/dogs/{dog_id}/teach/", accept)

    assert (response.status_code, response["Content-Type"][:9]) == (409, "text/html")


def test_a_project_has_pages_of_its_own(school, dog_id, templates):
    (templates / "409.html").write_text("{{ request.path }}: {{ exception }}")

    page = get(f"/dogs/{dog_id}/teach/")

    assert page.status_code == 409
    assert page.content.decode() == (
        f"/dogs/{dog_id}/teach/: DogSchool: version 2 of {dog_id} has been recorded "
        "already. Get the aggregate again and repeat the command."
    )


def test_a_fault_in_a_projects_page_is_not_hidden(school, dog_id, templates):
    (templates / "409.html").write_text("{% extends 'missing.html' %}")

    with pytest.raises(Exception, match=r"missing\.html"):
        get(f"/dogs/{dog_id}/teach/")


def test_developers_are_told_what_the_error_says(school, dog_id, settings):
    settings.DEBUG = True

    assert get(f"/dogs/{dog_id}/teach/", JSON).json() == {
        "error": f"{CONFLICT} (DogSchool: version 2 of {dog_id} has been recorded "
        "already. Get the aggregate again and repeat the command.)"
    }
    assert f"version 2 of {dog_id}" in get(f"/dogs/{dog_id}/teach/").content.decode()
    page = get(f"/dogs/{uuid4()}/").content.decode()
    assert "<title>Page not found at" in page
    answer = get("/markup/", JSON).json()
    assert answer == {"error": "Not found. (<script> alert(1)</script>)"}


@pytest.mark.parametrize(
    ("kind", "error"),
    [("position", "moved"), ("database", "away"), ("view", "no such trick")],
)
def test_other_errors_are_left_alone(school, kind, error):
    with pytest.raises(Exception, match=error):
        get(f"/fail/{kind}/")


@pytest.mark.parametrize(("path", "status"), [("/dogs/{dog_id}/teach/", 409), ("/look/", 404)])
def test_under_atomic_requests_all_has_been_rolled_back_by_then(
    school, database, dog_id, path, status
):
    with patch.dict(connections.settings[database], ATOMIC_REQUESTS=True):
        response = get(path.format(dog_id=dog_id))

    assert response.status_code == status
    assert in_transaction == [False]
    records = StoredEventRecord.objects.using(database).of("DogSchool")
    assert set(records.values_list("originator_id", flat=True)) == {dog_id}


@pytest.mark.parametrize("atomic", [True, False])
def test_a_view_that_answers_by_itself_can_roll_back(school, database, dog_id, atomic):
    with patch.dict(connections.settings[database], ATOMIC_REQUESTS=atomic):
        response = get(f"/dogs/{dog_id}/answered/")

    assert response.status_code == 409
    records = StoredEventRecord.objects.using(database).of("DogSchool")
    dogs = records.values("originator_id").distinct().count()
    assert dogs == (1 if atomic else 2)


def test_they_are_logged_as_warnings_with_the_cause_of_a_conflict(school, dog_id, caplog):
    caplog.set_level(logging.INFO)
    refusal = (
        f"DogSchool: version 2 of {dog_id} has been recorded already. "
        "Get the aggregate again and repeat the command."
    )

    get(f"/dogs/{dog_id}/teach/", JSON)
    get(f"/dogs/{dog_id}/teach/")
    get("/look/", JSON)
    get("/look/")

    of_django = [each for each in caplog.records if each.name == "django.request"]
    assert [(each.levelname, each.getMessage()) for each in of_django] == [
        ("WARNING", f"Conflict: /dogs/{dog_id}/teach/"),
        ("WARNING", f"Conflict: /dogs/{dog_id}/teach/"),
        ("WARNING", "Not Found: /look/"),
        ("WARNING", "Not Found: /look/"),
    ]
    own = [each for each in caplog.records if each.name == "django_eventsourcing.error_responses"]
    assert [(each.levelname, each.getMessage()) for each in own] == [
        ("INFO", f"Answered with 409: {refusal}")
    ] * 2
