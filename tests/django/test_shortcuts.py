"""Shortcuts: what is not there is not found, for functions and for class-based views."""

from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory
from django.views import View

from django_eventsourcing import get_application, registry
from django_eventsourcing.generic import ApplicationMixin
from django_eventsourcing.shortcuts import aget_aggregate_or_404, get_aggregate_or_404
from eventsourcing.application import AggregateNotFoundError
from tests.core.school import DogSchool

pytestmark = pytest.mark.long_elsewhere("default")


class DogView(ApplicationMixin[DogSchool], View):
    """Shows a dog, teaches it."""

    application = DogSchool

    def get(self, request, dog_id, version=None):
        return HttpResponse(",".join(self.get_aggregate_or_404(dog_id, version).tricks))

    def post(self, request, dog_id):
        self.get_application().add_trick(dog_id, request.POST["trick"])
        return HttpResponse(status=204)


class AsyncDogView(ApplicationMixin[DogSchool], View):
    """Shows a dog from async code."""

    application = DogSchool

    async def get(self, request, dog_id, version=None):
        dog = await self.aget_aggregate_or_404(dog_id, version)
        return HttpResponse(",".join(dog.tricks))


@pytest.fixture
def school(settings, database):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.system", "DATABASE": database}
    }
    yield get_application(DogSchool)
    registry.reset()


@pytest.fixture
def dog_id(school):
    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")
    return dog_id


@pytest.mark.parametrize("of", ["class", "instance"])
def test_an_aggregate_is_got_at_a_version(school, dog_id, of):
    application = DogSchool if of == "class" else school

    assert get_aggregate_or_404(application, dog_id).tricks == ["sit"]
    assert get_aggregate_or_404(application, dog_id, version=1).tricks == []


def test_one_that_is_not_there_is_not_found(school):
    unknown = uuid4()

    for get in (get_aggregate_or_404, async_to_sync(aget_aggregate_or_404)):
        with pytest.raises(Http404) as caught:
            get(DogSchool, unknown)

        assert str(caught.value) == f"Aggregate {unknown} not found."
        assert isinstance(caught.value.__cause__, AggregateNotFoundError)


@pytest.mark.parametrize("version", [0, -1, -(10**30)])
def test_there_is_nothing_before_the_first_version(school, dog_id, version):
    with pytest.raises(Http404, match=f"{dog_id} at version {version} not found"):
        get_aggregate_or_404(school, dog_id, version)


def test_a_view_uses_its_application(school, dog_id):
    view = DogView.as_view()
    requests = RequestFactory()

    assert view(requests.post("/", {"trick": "roll over"}), dog_id=dog_id).status_code == 204

    assert view(requests.get("/"), dog_id=dog_id).content == b"sit,roll over"
    assert view(requests.get("/"), dog_id=dog_id, version=2).content == b"sit"
    with pytest.raises(Http404):
        view(requests.get("/"), dog_id=uuid4())


def test_an_async_view_does_so_too(school, dog_id):
    view = async_to_sync(AsyncDogView.as_view())

    assert view(AsyncRequestFactory().get("/"), dog_id=dog_id).content == b"sit"
    assert view(AsyncRequestFactory().get("/"), dog_id=dog_id, version=1).content == b""
    with pytest.raises(Http404):
        view(AsyncRequestFactory().get("/"), dog_id=uuid4())


def test_a_view_without_an_application_says_so():
    class Forgetful(ApplicationMixin, View):
        """Names none."""

    with pytest.raises(ImproperlyConfigured) as caught:
        Forgetful().get_application()

    assert str(caught.value) == (
        "Forgetful has no application.  HINT: Set Forgetful.application to the class of an "
        "application, or define Forgetful.get_application()."
    )


def test_the_application_can_be_given_where_the_view_is_routed(school):
    class AnyView(ApplicationMixin, View):
        """Says whose it is."""

        def get(self, request):
            return HttpResponse(self.get_application().name)

    view = AnyView.as_view(application=DogSchool)

    assert view(RequestFactory().get("/")).content == b"DogSchool"
