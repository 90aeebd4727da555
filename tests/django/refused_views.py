"""Views whose applications refuse, and their URLs."""

from uuid import UUID, uuid4

from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.urls import path

from django_eventsourcing import aio, get_application
from django_eventsourcing.error_responses import roll_back_request
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.persistence import AlreadyProcessedError, OperationalError, RecordConflictError
from tests.core.school import DogSchool

__all__ = ["in_transaction", "urlpatterns"]

in_transaction: list[bool] = []


def show(request: HttpRequest, dog_id: UUID) -> HttpResponse:
    """Show a dog."""
    return HttpResponse(get_application(DogSchool).get_dog(dog_id)["name"])


async def show_async(request: HttpRequest, dog_id: UUID) -> HttpResponse:
    """Show a dog, from async code."""
    dog = await get_application(DogSchool).aio.get_dog(dog_id)
    return HttpResponse(dog["name"])


def teach(request: HttpRequest, dog_id: UUID) -> HttpResponse:
    """Change what has been seen, after somebody else; register a dog before."""
    school = get_application(DogSchool)
    school.register_dog("Rex")
    seen = school.repository.get(dog_id, version=1)
    seen.add_trick("roll over")
    school.save(seen)
    raise AssertionError("not reached")


def look_for_another(request: HttpRequest) -> HttpResponse:
    """Register a dog, and look for one that is not there."""
    school = get_application(DogSchool)
    school.register_dog("Rex")
    return HttpResponse(school.get_dog(uuid4()))


def answer_with_409(request: HttpRequest, dog_id: UUID) -> HttpResponse:
    """Turn a conflict into an answer, as frameworks do."""
    try:
        return teach(request, dog_id)
    except RecordConflictError:
        roll_back_request()
        return HttpResponse(status=409)


def fail(request: HttpRequest, kind: str) -> HttpResponse:
    """Raise an error that is for no client."""
    errors = {
        "position": AlreadyProcessedError("moved"),
        "database": OperationalError("away"),
        "view": ValueError("no such trick"),
    }
    raise errors[kind]


def markup(request: HttpRequest) -> HttpResponse:
    """Raise an error whose text is markup, over two lines."""
    raise AggregateNotFoundError("<script>\nalert(1)</script>")


class TransactionMiddleware:
    """Notes, below the middleware that is tested, whether a transaction is open by then."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        in_transaction.append(any(each.in_atomic_block for each in connections.all()))


urlpatterns = [
    path("dogs/<uuid:dog_id>/", show),
    path("async/dogs/<uuid:dog_id>/", show_async),
    path("async/dogs/<uuid:dog_id>/teach/", aio(teach)),
    path("dogs/<uuid:dog_id>/teach/", teach),
    path("dogs/<uuid:dog_id>/answered/", answer_with_409),
    path("look/", look_for_another),
    path("fail/<kind>/", fail),
    path("markup/", markup),
]
