"""Hooks: a project's own subclass says how events are shown, and what they lead to."""

from types import ModuleType

import pytest
from django.contrib import admin
from django.urls import path

from django_eventsourcing.admin import StoredEventAdmin
from django_eventsourcing.models import StoredEventRecord
from tests.django.admin.clerking import SETTING, give, teach
from tests.django.admin.pages import EVENTS, LOGS, ids, link, order_url, text
from tests.django.admin.visitors import logged_in
from tests.django.status.rows import at, ids_of

pytestmark = pytest.mark.django_db


class OwnAdmin(StoredEventAdmin):
    """Redacts names, adds what it knows, and leads to another page."""

    def format_payload(self, request, event, values):
        assert event.application == "Kennel"
        if event.name == "Dog.Registered":
            values["name"] = "***"
            values["breed"] = f"known to {request.user}"
        return values

    def format_state(self, request, event, values):
        return {**values, "name": "***"}

    def related_links(self, request, event):
        return [(f"Dog {event.originator_version}", f"/dogs/{event.originator_id}/?a=1&b=2")]


@pytest.fixture
def own(request, settings):
    """The admin with the class of the project in place of the app's."""
    model_admin = getattr(request, "param", OwnAdmin)
    admin.site.unregister(StoredEventRecord)
    admin.site.register(StoredEventRecord, model_admin)
    # URLs are those of the classes that were registered when they were asked for.
    urls = ModuleType("own_urls")
    urls.urlpatterns = [path("admin/", admin.site.urls)]
    settings.ROOT_URLCONF = urls
    yield
    admin.site.unregister(StoredEventRecord)
    admin.site.register(StoredEventRecord, StoredEventAdmin)


def pages(dog_id):
    numbers = StoredEventRecord.objects.values_list("pk", flat=True)
    stream = f"{EVENTS}stream/default/Kennel/{dog_id}/"
    logs = [f"{LOGS}default/Kennel/", f"{LOGS}default/Kennel/newest/"]
    return [*(f"{EVENTS}{pk}/change/" for pk in numbers), stream, f"{stream}?version=1", *logs]


@pytest.mark.usefixtures("own")
def test_other_values_are_shown_and_none_of_what_is_stored(client, kennel):
    dog_id = kennel.register("Tweety", "sit")

    for url in pages(dog_id):
        assert "Tweety" not in client.get(url).content.decode()
    page = text(client.get(pages(dog_id)[0]))

    assert 'name "***" text breed "known to viewer" text' in page
    assert 'name added "***"' in page
    assert "This is shown as the project has it shown, and not as it is stored." in page
    assert "As it is stored" not in page
    assert "As it is stored" in text(client.get(pages(dog_id)[1]))


@pytest.mark.usefixtures("own")
def test_links_are_on_the_page_of_the_event_and_of_the_stream(client, kennel):
    dog_id = kennel.register("Rex", "sit")

    event, _, stream, first = [client.get(url) for url in pages(dog_id)[:4]]

    assert link(event, "Dog 1") == link(first, "Dog 1") == f"/dogs/{dog_id}/?a=1&b=2"
    assert link(stream, "Dog 2")


@pytest.mark.usefixtures("own")
def test_what_is_shown_otherwise_is_not_found_as_it_is_stored(client, kennel):
    kennel.register("Tweety", "sit")

    assert ids(client.get(EVENTS, {"q": "Tweety"})) == []
    assert ids(client.get(f"{LOGS}default/Kennel/", {"q": "Tweety"})) == []


class FailingAdmin(StoredEventAdmin):
    def format_payload(self, request, event, values):
        raise ValueError("no <key>")


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("own", [FailingAdmin], indirect=True)
def test_a_hook_that_fails_is_told_and_hides_what_it_was_to_change(client, kennel):
    kennel.register("Tweety")

    page = client.get(pages(kennel)[0])

    assert "The payload cannot be read. no <key>" in text(page)
    assert "Tweety" not in page.content.decode().partition("What it changed")[0]


class Redacted(StoredEventAdmin):
    """Shows nothing of what events say."""

    def format_payload(self, request, event, values):
        return {"trick": f"hidden in {event.application} {event.id}"}


@pytest.mark.parametrize("own", [Redacted], indirect=True)
@pytest.mark.usefixtures("own")
def test_the_next_event_of_a_follower_is_shown_as_the_project_says(manager, settings):
    settings.EVENTSOURCING = SETTING
    teach("somersault")
    number = ids_of("default")[-1]
    at("default", number - 1, "Clerk")
    browser = logged_in(manager)

    asked = browser.get(order_url("Clerk", "skip"))
    tried = give(browser, "dry-run")

    assert f"hidden in DogSchool {number}" in text(asked)
    assert "The project has events shown otherwise than they are." in text(tried)
    assert "somersault" not in asked.content.decode() + tried.content.decode()
