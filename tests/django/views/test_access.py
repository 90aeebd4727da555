"""Who may see how a system is doing: the token, the permission, and nobody else."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections

from django_eventsourcing.views.access import PERMISSION

TOKEN = "a-token-for-tests-only"
PAGES = ("health", "metrics")

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.django.views.urls")]


@pytest.fixture(autouse=True)
def token(settings):
    settings.EVENTSOURCING_TOKEN = TOKEN


def user_with(*names, **flags):
    user = User.objects.create_user("ann", **flags)
    labels = [name.split(".")[1] for name in names]
    user.user_permissions.set(Permission.objects.filter(codename__in=labels))
    return user


def get(client, page, token=None, scheme="Bearer"):
    headers = {"Authorization": f"{scheme} {token}"} if token is not None else {}
    return client.get(f"/eventsourcing/{page}/", headers=headers)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_lets_in(client, page, scheme):
    assert get(client, page, TOKEN, scheme).status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("given", "scheme"),
    [
        (None, ""),
        ("", "Bearer"),
        ("another-token-altogether", "Bearer"),
        (TOKEN, "Basic"),
        (f"{TOKEN}x", "Bearer"),
        ("t\u00f6ken", "Bearer"),
    ],
)
def test_anything_else_does_not(client, page, given, scheme):
    response = get(client, page, given, scheme)

    assert response.status_code == 401
    assert response.json() == {"error": "A token or a login is needed."}
    assert response["WWW-Authenticate"] == 'Bearer realm="eventsourcing"'
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("setting", [None, "", "short", 5])
@pytest.mark.parametrize("given", ["", "short", "None", "5"])
def test_without_a_good_token_in_the_settings_none_lets_in(client, settings, setting, given):
    settings.EVENTSOURCING_TOKEN = setting

    assert get(client, "health", given).status_code == 401


@pytest.mark.parametrize(
    ("names", "flags", "status"),
    [
        ([PERMISSION], {"is_staff": True}, 200),
        ([], {"is_staff": True, "is_superuser": True}, 200),
        ([], {"is_staff": True}, 403),
        ([PERMISSION], {}, 403),
        (["x.view_trackingrecord"], {"is_staff": True}, 403),
        ([], {}, 403),
    ],
)
@pytest.mark.parametrize("page", PAGES)
def test_a_member_of_staff_needs_the_permission(client, page, names, flags, status):
    client.force_login(user_with(*names, **flags))

    response = get(client, page)

    assert response.status_code == status
    if status == 403:
        assert response.json() == {"error": "A permission is needed."}


def test_one_who_is_no_longer_active_is_not_let_in(client):
    user = user_with(PERMISSION, is_staff=True)
    client.force_login(user)
    User.objects.filter(pk=user.pk).update(is_active=False)

    assert get(client, "health").status_code == 401


@pytest.mark.parametrize("page", [*PAGES, "health/live"])
def test_nothing_is_changed_by_posting(client, page):
    response = client.post(f"/eventsourcing/{page}/", headers={"Authorization": f"Bearer {TOKEN}"})

    assert response.status_code == 405


def test_whether_the_process_lives_is_for_all_and_takes_no_database(client):
    with connections["default"].execute_wrapper(refuse):
        response = client.get("/eventsourcing/health/live/")

    assert (response.status_code, response.json()) == (200, {"status": "alive"})
    assert "no-store" in response["Cache-Control"]


def test_the_token_takes_no_look_at_users(client, settings):
    settings.EVENTSOURCING = {}

    with connections["default"].execute_wrapper(refuse):
        assert get(client, "health", TOKEN).status_code == 200


def refuse(execute, sql, params, many, context):
    raise AssertionError(sql)
