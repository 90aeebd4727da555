"""Under ``ATOMIC_REQUESTS``, a view records all that it has saved, or nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from django_eventsourcing import get_application
from eventsourcing.system import Leader, RecordingEvent, RecordingEventReceiver
from example_project.settings import EVENTSOURCING
from example_project.training.application import DogSchool


class Recorder(RecordingEventReceiver):
    """Remembers the prompts."""

    def __init__(self) -> None:
        self.received: list[RecordingEvent] = []

    def receive_recording_event(self, new_recording_event: RecordingEvent) -> None:
        self.received.append(new_recording_event)


def register(request: HttpRequest) -> HttpResponse:
    get_application(DogSchool).register_dog("Billy")
    return HttpResponse("registered")


def register_and_fail(request: HttpRequest) -> HttpResponse:
    get_application(DogSchool).register_dog("Billy")
    raise RuntimeError("after save()")


urlpatterns = [path("register/", register), path("fail/", register_and_fail)]


@pytest.fixture(autouse=True)
def atomic_requests(settings: Any, transactional_db: None) -> Iterator[None]:
    settings.EVENTSOURCING = EVENTSOURCING
    settings.ROOT_URLCONF = __name__
    values = connections["default"].settings_dict
    values["ATOMIC_REQUESTS"] = True
    yield
    values["ATOMIC_REQUESTS"] = False


@pytest.fixture
def receiver() -> Recorder:
    receiver = Recorder()
    school = get_application(DogSchool)
    assert isinstance(school, Leader)
    school.lead(receiver)
    return receiver


def test_a_view_that_raises_after_save_records_nothing_and_prompts_nobody(
    receiver: Recorder,
) -> None:
    response = Client(raise_request_exception=False).get("/fail/")

    assert response.status_code == 500
    assert get_application(DogSchool).newest_dogs(10) == []
    assert receiver.received == []


def test_a_view_that_returns_records_and_prompts(client: Client, receiver: Recorder) -> None:
    client.get("/register/")

    (dog,) = get_application(DogSchool).newest_dogs(10)
    (prompt,) = receiver.received
    assert dog.name == "Billy"
    assert [each.notification.originator_id for each in prompt.recordings] == [dog.id]
