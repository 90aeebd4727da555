"""Every URL of the section: what may be read by whom, and that nothing else comes of a request."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from django_eventsourcing.models import (
    DeadLetterRecord,
    SnapshotRecord,
    StoredEventRecord,
    TrackingRecord,
)
from tests.django.admin.visitors import logged_in
from tests.django.own_models.models import LetterEvent

APP = "django_eventsourcing"
READ = {"changelist", "change", "trace", "stream", "logs", "log", "section"}
READ |= {"catalogue", "configuration"}
"""Pages that are read with the permission to view, and take no POST."""
REFUSED = {"add", "delete", "history"}
"""Pages of Django's own that nobody gets to see."""
OPERATES = {"pause", "resume", "retry", "retry_parked", "dry_run", "dry_run_parked"}
"""Orders of operators, by POST alone."""
MANAGES = {"discard", "withdraw_rebuild"}
"""Orders of managers, by POST alone."""
ASKS = {"skip", "reset", "rebuild"}
"""Orders of managers, with a page that asks."""
ROLES = ["viewer", "operator", "manager", pytest.param("superuser", marks=pytest.mark.stress)]


def names():
    """Return the names of all URLs: of which model, and of which page."""
    found = set()
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label == APP:
            for pattern in model_admin.get_urls():
                # The one without a name leads from an object to the page of its own.
                if pattern.name:
                    of_model = pattern.name.removeprefix(f"{APP}_")
                    found.add(tuple(of_model.split("_", 1)))
    return sorted(found)


@pytest.fixture
def urls(screens):
    """Return every URL, by its model and page, with arguments of what there is."""
    event = StoredEventRecord.objects.of("School").earliest("id")
    TrackingRecord.objects.get_or_create(
        application_name="Idle", upstream_name="School", defaults={"notification_id": 1}
    )
    objects = {
        "storedeventrecord": event.pk,
        "snapshotrecord": SnapshotRecord.objects.get().pk,
        "trackingrecord": TrackingRecord.objects.earliest("id").pk,
        "deadletterrecord": DeadLetterRecord.objects.earliest("id").pk,
        "monitoredsystem": "Office",
    }
    other = {
        "stream": ["default", "School", event.originator_id],
        "log": ["default", "School"],
        "section": ["default", "School", "newest"],
    }
    plain = {"changelist", "add", "trace", "logs", "catalogue", "configuration"}
    other |= {page: [] for page in plain}
    return {
        (model, page): reverse(
            f"admin:{APP}_{model}_{page}", args=other.get(page, [objects[model]])
        )
        for model, page in names()
    }


def everything():
    """Return all rows that a request might change."""
    models = [*apps.get_app_config(APP).get_models(), LetterEvent, LogEntry]
    return [list(m._base_manager.order_by("pk").values()) for m in models if m._meta.managed]


def test_every_url_is_of_a_kind_that_is_tested():
    known = READ | REFUSED | OPERATES | MANAGES | ASKS

    assert {page for _model, page in names()} == known


def test_anonymous_visitor_is_asked_to_log_in_everywhere(urls):
    before = everything()
    for url in urls.values():
        for response in (Client().get(url), Client().post(url, {"reason": "forged"})):
            assert response.status_code == 302
            assert response.url.startswith("/admin/login/?next=")
    assert everything() == before


def test_staff_without_permission_is_refused_everywhere(urls, staff):
    before = everything()
    client = logged_in(staff)
    for (_model, page), url in urls.items():
        # What takes no GET from anybody says so.
        expected = 405 if page in OPERATES | MANAGES else 403
        assert client.get(url).status_code == expected, url
        assert client.post(url, {"reason": "forged"}).status_code == 403, url
    assert everything() == before


@pytest.mark.parametrize("role", ROLES)
def test_get_shows_what_the_role_may_see_and_never_acts(urls, role, request):
    client = logged_in(request.getfixturevalue(role))
    before = everything()
    for (model, page), url in urls.items():
        expected = {200}
        if page in REFUSED or (page in ASKS and role in ("viewer", "operator")):
            expected = {403}
        elif page in OPERATES | MANAGES:
            expected = {405}
        elif (model, page) in (("trackingrecord", "change"), ("monitoredsystem", "rebuild")):
            # All there is to see of a position is in the list; and Office is no projection.
            expected = {302}
        assert client.get(url).status_code in expected, (model, page)
    assert everything() == before


@pytest.mark.parametrize("role", ROLES)
def test_post_is_refused_but_for_what_the_role_may_do(urls, role, request):
    client = logged_in(request.getfixturevalue(role))
    before = everything()
    for (model, page), url in urls.items():
        may = {
            "viewer": set(),
            "operator": OPERATES,
            "manager": OPERATES | MANAGES | ASKS,
            "superuser": OPERATES | MANAGES | ASKS,
        }[role]
        if page not in may:
            response = client.post(url, {"reason": "forged", "which": "all", "post": "yes"})
            assert response.status_code == 403, (model, page)
    assert everything() == before


def test_post_without_the_token_is_refused_everywhere(urls, superuser):
    client = logged_in(superuser, enforce_csrf_checks=True)
    before = everything()
    for url in urls.values():
        response = client.post(url, {"reason": "forged", "which": "all"})
        assert response.status_code == 403, url
    assert everything() == before


def test_other_methods_change_nothing(urls, superuser):
    client = logged_in(superuser)
    before = everything()
    for url in urls.values():
        for method in ("put", "patch", "delete"):
            response = getattr(client, method)(url)
            # A page that asks is shown again, or leads to that of the follower.
            assert response.status_code in (200, 302, 403, 405), (method, url)
    assert everything() == before


def test_what_operators_do_is_on_record_with_who_did_it(urls, superuser):
    client = logged_in(superuser)
    letter = DeadLetterRecord.objects.filter(application_name="Office").earliest("id")
    letter_data = {"letter": letter.pk, "which": "one", "reason": "a joke"}
    for page in (
        "pause",
        "resume",
        "retry",
        "dry_run",
        "dry_run_parked",
        "retry_parked",
        "discard",
    ):
        before = LogEntry.objects.count()
        client.post(urls["monitoredsystem", page], letter_data)

        assert LogEntry.objects.count() == before + 1, page
        entry = LogEntry.objects.latest("id")
        assert (entry.user.username, entry.object_id) == ("root", "Office")
    assert User.objects.get(username="root").logentry_set.count() == 7
